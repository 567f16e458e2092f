"""Plain words that turn a reading: whose cure it was, what was only read, what was given up."""

from __future__ import annotations

import pytest

from miner.model import Kind, Outcome
from miner.outcomes import Read
from miner.scope import basis, corrected
from miner.signals import Scene, scene, summing_up
from miner.turns import stated
from miner.verdicts import owned, told


def read(text: str, words: str, kind: Kind = "remedy", outcome: Outcome | None = None) -> Read:
    """What stands at the end, where all that is learned says asserted, self and what is told."""
    seen, span = _place(text, words)
    verdicts = owned(seen, [span])[span] if kind == "remedy" else []
    first = Read(
        outcome=outcome or told(verdicts) or "unknown", assertion="asserted", experiencer="self"
    )
    return corrected(first, seen, *span, kind, verdicts)


def _place(text: str, words: str) -> tuple[Scene, tuple[int, int]]:
    start = text.index(words)
    return scene(text), (start, start + len(words))


def _flat(text: str, words: str) -> tuple[Scene, int, int]:
    seen, (start, end) = _place(text, words)
    return seen, start, end


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Calf raises helped my father.", "Calf raises"),
        ("Turmeric cured my cousin in a month.", "Turmeric"),
        ("Shockwave worked really well for my aunt.", "Shockwave"),
        ("Night boots did wonders for several of my clients.", "Night boots"),
        ("The laser made no difference for my running buddy.", "laser"),
        ("Cupping made my husband's neck worse.", "Cupping"),
        ("A strap fixed an old friend of mine.", "strap"),
        ("Slow squats helped him a lot.", "Slow squats"),
        ("Slow squats helped my nephew. My own hip got worse over winter.", "Slow squats"),
    ],
)
def test_what_was_done_for_another_is_told_of_another(text: str, words: str) -> None:
    """A relation, friend or client as the object of the outcome words."""
    assert read(text, words).experiencer == "other"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Calf raises helped my knee.", "Calf raises"),
        ("My partner talked me into rowing and it helped me.", "rowing"),
        ("My sister's old brace worked for me.", "brace"),
        ("Rowing helped my mum and me.", "Rowing"),
        ("Rowing helped me, and my husband drives me there.", "Rowing"),
        ("Hot baths helped my uncle. They helped me too.", "Hot baths"),
        ("Hot baths helped my uncle, and then they eased my back.", "Hot baths"),
        ("Rowing helped my back and my wife is glad.", "Rowing"),
    ],
)
def test_what_helped_the_author_too_stays_the_authors(text: str, words: str) -> None:
    """Others are named, and the outcome is one's own."""
    assert read(text, words).experiencer == "self"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I read that slow squats help.", "slow squats"),
        ("I've heard that collagen works.", "collagen"),
        ("People swear that magnesium cures cramps.", "magnesium"),
        ("Studies show that slow squats help.", "slow squats"),
    ],
)
def test_what_was_only_read_is_no_outcome(text: str, words: str) -> None:
    """A report of what helps, with no word on what came of it here."""
    seen, span = _place(text, words)
    found = read(text, words)
    assert (found.outcome, found.experiencer) == ("unknown", "other")
    assert basis(found, seen, *span) == "read"


def test_what_was_read_and_then_done_is_lived() -> None:
    """The author goes on to tell what came of it."""
    found = read(
        "I read that slow squats help, so I did them and my knee is better.", "slow squats"
    )
    assert (found.outcome, found.experiencer) == ("helped", "self")


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("No-hangs eased my pulley.", "No-hangs", "helped"),
        ("The no-jump plan helped my shins.", "no-jump plan", "helped"),
        ("No-hangs did not help my pulley.", "No-hangs", "no_effect"),
        ("Nothing helped more than rowing.", "rowing", "helped"),
        ("Nothing has worked as well as rowing.", "rowing", "helped"),
        ("Rowing has never failed me.", "Rowing", "helped"),
        ("Rowing has never let me down.", "Rowing", "helped"),
        ("The cream let me down.", "cream", "no_effect"),
        ("If the splint had worked I'd still wear it.", "splint", "no_effect"),
        ("Had the splint helped, I would have kept it.", "splint", "no_effect"),
        ("If the jab hadn't helped I would be on crutches.", "jab", "helped"),
        ("Good: rowing. What did not: icing, cupping and a splint.", "splint", "no_effect"),
        ("The jab only helped for a month, then I was as stiff as before.", "jab", "mixed"),
    ],
)
def test_the_outcome_is_what_the_words_say(text: str, words: str, expected: Outcome) -> None:
    """Where a denial, a comparison or an if turns the word of outcome."""
    assert read(text, words).outcome == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The splint helped more than icing.", {"splint": "helped", "icing": None}),
        ("Rowing helped as much as the jab.", {"Rowing": "helped", "jab": None}),
        ("The splint did not help more than icing.", {"splint": "no_effect", "icing": None}),
        ("No relief from things like turmeric.", {"turmeric": "no_effect"}),
        ("None of the creams helped, like arnica.", {"arnica": "no_effect"}),
        ("Tried icing. Nothing helped like rowing.", {"icing": None, "rowing": "helped"}),
        ("Nothing helped for more than two days with the splint.", {"splint": "no_effect"}),
    ],
)
def test_what_a_thing_is_measured_by_has_no_verdict_of_it(
    text: str, expected: dict[str, Outcome | None]
) -> None:
    """Unless nothing did as much as that: then it helped."""
    spans = {word: (text.index(word), text.index(word) + len(word)) for word in expected}
    found = owned(scene(text), [*spans.values()])
    assert {word: told(found[span]) for word, span in spans.items()} == expected


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("What didn't work: icing, cupping and a splint.", "splint", "no_effect"),
        ("What didn't work - icing, cupping and a splint.", "splint", "no_effect"),
        ("I dropped what didn't work - now I row.", "row", None),
        ("I had the jab, which did not help - rowing it is.", "rowing", None),
    ],
)
def test_the_items_of_a_list_that_failed_share_its_head(
    text: str, words: str, expected: Outcome | None
) -> None:
    """But not what a sentence goes on with."""
    assert stated(*_flat(text, words), []) == expected


def test_nothing_beats_it_says_no_more_of_the_rest() -> None:
    """A comparison is no summing-up of all that was listed."""
    assert summing_up(*_flat("I did ice and heat. Nothing helped more than rowing.", "ice")) is None
    assert summing_up(*_flat("I did ice and heat. Nothing helped at all.", "ice")) == 1


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("The splint did not make my wrist worse.", "splint", "unknown"),
        ("The splint did not make it worse, but it did not help.", "splint", "no_effect"),
        ("The splint made my wrist worse.", "splint", "worse"),
    ],
)
def test_harm_that_is_denied_is_no_harm(text: str, words: str, expected: Outcome) -> None:
    """Even where all that is learned says worse."""
    assert read(text, words, outcome="worse").outcome == expected


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("My hip got better once I gave up hurdles.", "hurdles", "unknown"),
        ("Since I stopped wearing the belt my back is better.", "belt", "unknown"),
        ("Since I started hurdles my hip is better.", "hurdles", "helped"),
        ("My hip got better once I gave up hurdles.", "gave up hurdles", "helped"),
    ],
)
def test_a_thing_given_up_did_not_help(text: str, words: str, expected: Outcome) -> None:
    """What helped is giving it up."""
    assert read(text, words, outcome="helped").outcome == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Zinc cured a friend at my club but did nothing for me.", "Zinc"),
        ("Zinc helped my niece, but not me.", "Zinc"),
        ("I read that zinc helps but it made no difference to my hip.", "zinc"),
    ],
)
def test_what_helped_another_and_not_the_author_had_no_effect(text: str, words: str) -> None:
    """The author's own share counts alone."""
    found = read(text, words)
    assert (found.outcome, found.experiencer) == ("no_effect", "self")


def test_doubt_behind_a_remedy_hedges_it() -> None:
    """It might have helped, who can say."""
    assert read("Zinc might have helped, hard to say.", "Zinc").assertion == "hedged"
    assert read("Zinc helped. It is hard to say why.", "Zinc").assertion == "asserted"


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("My GP recommended a fusion. I refused.", "fusion", "negated"),
        ("They offered me a jab. I said no thanks.", "jab", "negated"),
        ("The physio suggested a jab, I declined.", "jab", "negated"),
        ("My GP recommended a brace. I refused the pills.", "brace", "asserted"),
        ("I had a jab. I refused.", "jab", "asserted"),
    ],
)
def test_what_is_refused_in_the_next_breath_was_not_done(
    text: str, words: str, expected: str
) -> None:
    """A proposal with the author's no behind it."""
    assert read(text, words).assertion == expected


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("I blame the hills, not my shoes.", "shoes", "negated"),
        ("I blame the hills, not my shoes.", "hills", "asserted"),
        ("It came from sitting, not the running.", "running", "negated"),
        ("It was the hills, not just the shoes.", "shoes", "asserted"),
    ],
)
def test_a_cause_set_aside_is_denied(text: str, words: str, expected: str) -> None:
    """One thing is blamed and another is not."""
    assert read(text, words, kind="cause").assertion == expected
