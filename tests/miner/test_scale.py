"""Anything a forum may hold: every text is read, places are exact, nothing grows out of hand."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.documents import Post, Source, Thread
from miner.claims import Extractor
from miner.engines import Engine
from miner.model import Claim
from miner.quick import Quick
from miner.text import chapters, own_words, repeats, sentences

ROOT = Path(__file__).resolve().parents[2]
SAYINGS = (
    "I tried heel drops for my Achilles and they helped a lot.",
    "Sitting makes it worse :( but 🙂🙂 walking is fine",
    "The physio said it's a labral tear.\r\n",
    "Didn’t help…  \u200b\u202eat all",
    "> Rest cured me.\n",
    "[quote=Pat]I blame the shoes[/quote]",
    "<blockquote>yoga</blockquote>",
    "Pat wrote:\n",
    "\n\n",
    "e\u0301\u0323\u0308" * 3,
)
PIECES = st.one_of(st.sampled_from(SAYINGS), st.text(max_size=60))
TEXTS = st.lists(PIECES, max_size=12).map("".join)
QUOTED = st.recursive(
    PIECES,
    lambda inside: st.one_of(
        inside.map(lambda text: f"[quote]{text}[/quote]"),
        inside.map(lambda text: f"[quote=a]{text}"),
        inside.map(lambda text: "".join(f"> {line}\n" for line in text.split("\n"))),
        inside.map(lambda text: f"<blockquote>{text}</blockquote>\n"),
        inside.map(lambda text: f"```\n{text}\n```\n"),
        st.tuples(inside, inside).map("\n".join),
    ),
    max_leaves=8,
)


def thread(*texts: str, title: str = "Sore Achilles since May") -> Thread:
    source = Source(url="t", site="s", fetched=datetime(2026, 1, 1, tzinfo=UTC), engine="generated")
    posts = tuple(
        Post(id=str(n), number=n, text=text, author=f"a{n % 7}") for n, text in enumerate(texts, 1)
    )
    return Thread(source=source, title=title, posts=posts)


def check_places(document: Thread, claims: list[Claim]) -> None:
    """Every quote and phrase is the stored text at its place; every number is one."""
    parts = {"title": document.title} | {post.id: post.text for post in document.posts}
    for claim in claims:
        text = parts[claim.quote.part]
        assert text[claim.quote.start : claim.quote.end] == claim.quote.text
        end = claim.phrase_start + len(claim.phrase)
        assert text[claim.phrase_start : end] == claim.phrase
        assert claim.quote.start <= claim.phrase_start
        assert end <= claim.quote.end
        assert 0 <= claim.confidence <= 1


@given(QUOTED)
def test_blanking_moves_nothing(text: str) -> None:
    """However quotes nest, own words have the length and the line breaks of the text."""
    own = own_words(text, repeats(text[: len(text) // 2]))
    assert len(own) == len(text)
    assert all(a == b or (b == " " and a not in "\r\n") for a, b in zip(text, own, strict=True))


@given(TEXTS)
def test_sentences_are_stretches_of_the_text(text: str) -> None:
    """In order, apart, none blank; what no sentence holds is white space."""
    found = sentences(text)
    assert all(text[one.start : one.end] == one.text and one.text.strip() for one in found)
    ends = [0, *(one.end for one in found)]
    starts = [*(one.start for one in found), len(text)]
    assert all(not text[a:b].strip() for a, b in zip(ends, starts, strict=True))


@pytest.fixture(scope="module")
def quick() -> Engine:
    """The fast engine."""
    return Quick()


@pytest.fixture(scope="module")
def full() -> Engine:
    """The engine with the model."""
    pytest.importorskip("torch")
    return Extractor()


@given(texts=st.lists(QUOTED, min_size=1, max_size=4), title=TEXTS)
@settings(max_examples=60, deadline=None)
def test_the_fast_engine_reads_anything_with_exact_places(
    quick: Engine, texts: list[str], title: str
) -> None:
    """Any Unicode, any nesting: no error, and every quote is found where it is said to be."""
    document = thread(*texts, title=title)
    check_places(document, quick.extract(document))


@given(texts=st.lists(QUOTED, min_size=1, max_size=3), title=TEXTS)
@settings(max_examples=15, deadline=None)
def test_the_model_reads_anything_with_exact_places(
    full: Engine, texts: list[str], title: str
) -> None:
    """The same of the whole way through the model."""
    document = thread(*texts, title=title)
    check_places(document, full.extract(document))


@given(st.lists(PIECES, max_size=40).map("".join), st.integers(min_value=2, max_value=90))
def test_chapters_cover_a_text_without_overlap(text: str, longest: int) -> None:
    """One after the other, none longer than asked, nothing left out."""
    found = chapters(text, longest)
    assert "".join(text[start:end] for start, end in found) == text
    assert all(end - start <= longest for start, end in found)
    assert all(before[1] == after[0] for before, after in pairwise(found))


def test_a_long_post_is_read_like_a_short_one(quick: Engine) -> None:
    """What is said far into a very long post is found there, at its place."""
    said = "I did physical therapy for my Achilles and it helped a lot."
    filler = "We drove up on Friday and stayed by the lake.\n" * 1000
    alone, late = quick.extract(thread(said)), thread(filler + said)
    found = quick.extract(late)
    check_places(late, found)
    phrases = [claim.phrase for claim in alone if claim.quote.part == "1"]
    assert phrases
    assert set(phrases) <= {claim.phrase for claim in found}


MEGABYTE = 1_000_000
ENDLESS = {
    "one word": "a" * MEGABYTE,
    "quote marks": ">" * MEGABYTE,
    "quoted lines": "> no\n" * (MEGABYTE // 5),
    "open quotes": "[quote]" * (MEGABYTE // 7),
    "line breaks": "\n" * MEGABYTE,
    "blanks": " \t" * (MEGABYTE // 2),
    "full stops": "." * MEGABYTE,
    "short sentences": "It hurt. " * (MEGABYTE // 9),
    "marks": "?!" * (MEGABYTE // 2),
    "invisible": "\u200b" * MEGABYTE,
    "right to left": "\u202e\u05d0 " * (MEGABYTE // 3),
    "emoji": "🙂" * MEGABYTE,
    "combining": "e" + "\u0301" * MEGABYTE,
    "commas": "yoga, " * (MEGABYTE // 6),
    "and": "and " * (MEGABYTE // 4),
    "brackets": "([" * (MEGABYTE // 2),
    "fences": "```\n" * (MEGABYTE // 4),
    "digits": "1. " * (MEGABYTE // 3),
    "apostrophes": "a'" * (MEGABYTE // 2),
    "dashes": "-- \n" * (MEGABYTE // 4),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_a_megabyte_of_anything_is_split_in_one_go(name: str) -> None:
    """Whatever is repeated a million times, own words and sentences come to an end."""
    text = ENDLESS[name]
    own = own_words(text)
    assert len(own) == len(text)
    found = sentences(own)
    assert all(one.end - one.start <= MEGABYTE for one in found)
    # A sentence has an end that is given or cut: so many characters hold at least so many of them.
    assert sum(one.end - one.start for one in found) <= len(text)


@pytest.mark.parametrize(
    ("name", "share"),
    [("one word", 1), ("emoji", 4), ("apostrophes", 8), ("short sentences", 8), ("commas", 16)],
)
def test_a_book_in_one_post_is_read_by_the_fast_engine(
    quick: Engine, name: str, share: int
) -> None:
    """A post of any length is a post; what is all claims is the slowest, so less of it is read."""
    document = thread(ENDLESS[name][: MEGABYTE // share], "I tried yoga and it helped.")
    check_places(document, quick.extract(document))


def test_ten_thousand_posts_are_one_thread(quick: Engine) -> None:
    """Nothing is compared with all that went before; the last post is read like the first."""
    document = thread(*(f"Yoga helped {n}." for n in range(10_000)))
    found = quick.extract(document)
    check_places(document, found)
    parts = {claim.quote.part for claim in found}
    assert ("1" in parts) == ("10000" in parts)


MEASURED = """
import sys
from datetime import UTC, datetime
from crawler.documents import Post, Source, Thread
from miner.quick import Quick

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

def threads(first, last):
    for n in range(first, last):
        source = Source(url=f"t{n}", site="s", fetched=datetime(2026, 1, 1, tzinfo=UTC), engine="g")
        said = [f"I tried word{n}x{m} for my knee and it helped word{m}." for m in range(10)]
        posts = tuple(Post(id=str(m), number=m, text=t, author="a") for m, t in enumerate(said, 1))
        yield Thread(source=source, title=f"Knee number {n}", posts=posts)

engine = Quick()
found = sum(len(engine.extract(one)) for one in threads(0, 100))
before = peak()
found += sum(len(engine.extract(one)) for one in threads(100, 600))
print(before, peak(), found)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc here")
def test_memory_does_not_grow_with_what_was_read() -> None:
    """Five times as many threads need hardly any more memory than the first ones."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED], cwd=ROOT, capture_output=True, text=True, check=True
    )
    before, after, found = map(int, done.stdout.split())
    assert found
    assert after - before < 16 * 1024
