"""A post's own words and its sentences."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pytest

from miner.text import fold, own_words, repeats, sentences, trim

OWN = "I tried dry needling and it helped."


def own(text: str) -> str:
    """The own words of a post, white space folded."""
    return " ".join(own_words(text).split())


@pytest.mark.parametrize(
    "quoted",
    [
        "> Rest cured me in a week.\n",
        ">> > Rest cured me in a week.\n> or two\n",
        "|> Rest cured me in a week.\n",
        "JL> > Rest cured me in a week.\n",
        "JL>Rest cured me in a week.\n",
        "Pat Doe wrote:\n> Rest cured me in a week.\n\n",
        "On Tue, 3 May 2022, Pat Doe wrote:\nRest cured me in a week.\nReally.\n\n",
        "In article <abc@def> Pat Doe writes:\n: Rest cured me in a week.\n\n",
        "Originally posted by PatDoe\nRest cured me in a week.\n\n",
        "Quote:\nRest cured me in a week.\n\n",
        "[quote=PatDoe]Rest cured me [quote]no[/quote] in a week.[/quote]\n",
        "[QUOTE]Rest cured me in a week.[/QUOTE]\n",
        "```\nRest cured me in a week.\n```\n",
        "<blockquote>Rest cured me\nin a week.</blockquote>\n",
        "&gt; Rest cured me in a week.\n",
        ":> Rest cured me in a week.\n",
        "} Rest cured me in a week.\n",
        "| Rest cured me in a week.\n",
        "PatDoe said: ↑\nRest cured me in a week.\n\n",
        "@PatDoe said:\nRest cured me in a week.\nClick to expand...\n\n",
        "On 3/5/22 at 4:12 PM, PatDoe said:\nRest cured me in a week.\n\n",
        "Quote from: PatDoe on May 03, 2022, 10:11 AM\nRest cured me in a week.\n\n",
        "[quote author=PatDoe link=topic=1.msg2 date=12]\nRest cured me in a week.\n[/quote]\n",
        "[quote='PatDoe' pid='12' dateline='99']Rest cured me in a week.[/quote]\n",
        "Reply to PatDoe:\n> Rest cured me in a week.\n",
        "Am 3. Mai schrieb Pat Doe:\n> Rest cured me in a week.\n",
        "----- Original Message -----\nRest cured me in a week.\n\n",
        "Begin forwarded message:\nRest cured me in a week.\n\n",
        "[code]\nrest = cured\n[/code]\n",
    ],
)
def test_words_of_others_are_blanked_in_every_quote_style(quoted: str) -> None:
    """What stands in a quote is not the author's; what follows it is."""
    assert own(quoted + OWN) == OWN


@pytest.mark.parametrize(
    "closing",
    [
        "\n-- \nPat Doe, 41, ex-rower\nRest cures all",
        "\nSent from my phone",
        "\nSent from my iPhone",
        "\nSent from my SM-G9 using Tapatalk",
        "\nSent via Tapatalk",
        "\nGet Outlook for iOS",
        "\n~~~~~~~~~~\nRest cures all",
        "\n______\nPat, rower",
        "\nThis post was edited by PatDoe on May 3",
        "\nPatDoe likes this.",
        "\nView attachment 1234",
        "\n![knee](https://example.org/x.png)",
        "\n[img]https://example.org/x.png[/img]",
        "\nMy blog: https://example.org/blog",
        "\nJoined: May 2010\nPosts: 12",
        "\nhttps://example.org/shop",
        "\n- https://example.org/a\n- www.example.org/b",
        "\nLast edited by PatDoe; 03-05-2022",
        "\nReply | Quote | Report",
        "\n12 Likes",
    ],
)
def test_signatures_links_and_boilerplate_are_blanked(closing: str) -> None:
    """A signature, a list of bare links or a button's caption claims nothing."""
    assert own(OWN + closing) == OWN


def test_a_long_sentence_that_comes_again_without_a_mark_is_a_quote() -> None:
    """A quote whose marker was lost is known by its words; a short phrase may be said twice."""
    earlier = repeats("My knee has been clicking since the fall in June. Thanks all!")
    again = "My knee has been clicking since the fall in June.\nMine too. Thanks all!"
    assert " ".join(own_words(again, earlier).split()) == "Mine too. Thanks all!"


def test_an_arrow_or_a_less_than_in_the_text_is_no_quote() -> None:
    """Only marks in front of a line make it a quote."""
    text = "Pain went 8 -> 2 with ice.\nMore than > 3 sets was too much."
    assert own(text) == " ".join(text.split())


def test_own_words_keep_length_and_line_breaks() -> None:
    """Offsets in the own words are offsets in the stored text."""
    text = "Pat wrote:\r\n> no\r\n\r\nI did 🦵 nothing.\r\n"
    kept = own_words(text)
    assert len(kept) == len(text)
    assert all(a in (b, " ") for a, b in zip(kept, text, strict=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It hurt. I iced it! Better now?", ["It hurt.", "I iced it!", "Better now?"]),
        (
            "Dr. Roe said 2.5 mg, e.g. at night. Fine.",
            ["Dr. Roe said 2.5 mg, e.g. at night.", "Fine."],
        ),
        ("1. Raise the saddle\n2. Stretch", ["1. Raise the saddle", "2. Stretch"]),
        ("- ice\n- rest", ["- ice", "- rest"]),
        ("so i waited... and waited", ["so i waited... and waited"]),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_sentences_end_where_a_thought_ends(text: str, expected: list[str]) -> None:
    """Abbreviations, decimals and list numbers end no sentence."""
    assert [sentence.text for sentence in sentences(text)] == expected


def test_a_hard_wrapped_line_does_not_end_a_sentence() -> None:
    """Old mails break lines in the middle of a sentence."""
    text = "I have been to every doctor in this part of the county and all of\nthem said to rest."
    assert len(sentences(text)) == 1


def test_sentences_hold_their_own_place() -> None:
    """Any text, however odd: each sentence is the stored text at its offsets, in order."""
    rng = random.Random(7)
    alphabet = 'ab .!?\n\r\t>|:-*🦵é’"“[]/quote12,;'
    for _ in range(300):
        text = "".join(rng.choice(alphabet) for _ in range(rng.randrange(120)))
        kept, last = own_words(text), 0
        assert len(kept) == len(text)
        for sentence in sentences(kept):
            assert kept[sentence.start : sentence.end] == sentence.text
            assert last <= sentence.start < sentence.end
            assert trim(kept, sentence.start, sentence.end) == (sentence.start, sentence.end)
            last = sentence.end


def test_a_sentence_without_end_is_cut() -> None:
    """A run-on of thousands of words does not become one quote."""
    assert max(len(s.text) for s in sentences("so it went on, " * 900)) <= 600


def test_deep_quotes_and_long_posts_take_linear_time() -> None:
    """A megabyte of nested quotes is read in seconds."""
    text = ("[quote]" * 2000 + "x " * 1000 + "[/quote]" * 2000 + "\n> y\n") * 20
    assert own_words(text).strip() == ""


@pytest.mark.parametrize("tail", ["", "x"])
@pytest.mark.parametrize(
    "unit",
    [
        "😀",
        ".",
        "....Ab",
        "-- \n",
        "[quote=",
        "[code]",
        "[code=",
        "<pre>",
        "<blockquote",
        "\n",
        "> > 1\n",
        "Pat wrote:\n\n",
    ],
)
def test_a_mark_repeated_without_end_takes_linear_time(unit: str, tail: str) -> None:
    """A very long post of it is read in the time of any other text, not in its square."""
    text = unit * (200_000 // len(unit)) + tail
    before = time.process_time()
    sentences(text)
    assert len(own_words(text)) == len(text)
    assert time.process_time() - before < 5


@pytest.mark.parametrize("opening", ["[code]", "```", "<pre>", "<blockquote>", "[code=sh]"])
def test_a_block_that_is_never_closed_stays(opening: str) -> None:
    """What follows may be the author's own; only a closed block is somebody else's."""
    assert own(f"{opening} {OWN}") == f"{opening} {OWN}"


def test_fold_makes_quotes_straight_and_blanks_single() -> None:
    """Two ways to type one sentence fold to the same."""
    assert fold("It’s  “fine”\nnow") == 'it\'s "fine" now'


@pytest.mark.shared
def test_labelled_claims_survive_and_quoted_traps_go(shared: Path) -> None:
    """Of real posts hardly any labelled claim is lost, most labelled quotes are blanked."""
    train = shared / "train"
    posts = [json.loads(line) for line in (train / "posts.jsonl").read_text("utf-8").splitlines()]
    kept = {post["id"]: fold(own_words(post["text"])) for post in posts}
    lost, quoted, found = 0, 0, 0
    for line in (train / "claims.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        there = fold(row["quote"]) in kept[row["id"]]
        if row["kind"] != "none" and row["post_n"] == 1:
            lost += not there
        elif "quoted" in (row.get("note") or ""):
            quoted, found = quoted + 1, found + there
    assert lost <= 8
    assert found <= 0.1 * quoted
