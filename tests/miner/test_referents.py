"""What a pointing phrase stands for, seen in threads whose named claims are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from miner.model import Claim, Experiencer, Outcome, Quote
from miner.referents import Said, resolved
from miner.signals import scene


def named(
    part: str,
    text: str,
    phrase: str,
    outcome: Outcome = "unknown",
    experiencer: Experiencer = "self",
) -> Claim:
    """A claim on a remedy as the tagger would find it."""
    quote = Quote(document="d", part=part, start=0, text=text)
    return Claim(
        kind="remedy",
        phrase=phrase,
        phrase_start=text.index(phrase),
        quote=quote,
        outcome=outcome,
        experiencer=experiencer,
        confidence=0.8,
    )


def thread(*posts: tuple[str, str, Sequence[Claim]], reply: dict[str, str] | None = None) -> Any:
    """The claims of each post after resolving; posts are author, text, named claims."""
    said = []
    for number, (author, text, claims) in enumerate(posts, 1):
        above = (str(number - 1),) if number > 1 else ()
        answers = ((reply or {}).get(str(number), ""), *above)
        said.append(
            Said(
                part=str(number),
                text=text,
                author=author,
                seen=scene(text),
                claims=tuple(claims),
                answers=tuple(one for one in answers if one),
            )
        )
    return resolved(said)


MAGNESIUM = "Have you tried magnesium?"
ADVICE = ("a", MAGNESIUM, [named("1", MAGNESIUM, "magnesium", experiencer="advice")])


@pytest.mark.parametrize(
    ("answer", "pointer", "outcome", "when"),
    [
        ("Tried it for a month, did nothing for me.", "it", "no_effect", "past"),
        ("That fixed mine within days.", "That", "helped", "past"),
        ("I can try doing that.", "doing that", "unknown", "plan"),
        ("Got one, no effect.", "one", "no_effect", "past"),
        ("Those made it worse.", "Those", "worse", "past"),
        ("It's worked a treat.", "It", "helped", None),
        ("I have not tried that.", "that", "unknown", None),
    ],
)
def test_a_pronoun_goes_back_to_the_post_it_answers(
    answer: str, pointer: str, outcome: str, when: str | None
) -> None:
    """The phrase is the pronoun as written; what it stands for and a lower confidence beside it."""
    _, found = thread(ADVICE, ("b", answer, []))
    assert [claim.phrase for claim in found] == [pointer]
    claim = found[0]
    assert claim.means == "magnesium"
    assert claim.outcome == outcome
    assert when is None or claim.time == when
    assert claim.confidence < 0.8
    assert answer[claim.phrase_start :].startswith(pointer)
    if claim.outcome != "unknown":
        assert answer[claim.verdict.start : claim.verdict.end] == claim.verdict.text


@pytest.mark.parametrize(
    "answer",
    [
        "Nobody here sells a treatment that mends it.",
        "Hope it helps!",
        "Thanks, that helps.",
        "Let me know if it works.",
        "Did that help you?",
        "It is getting better, thanks for asking.",
        "Have you done that before?",
        "I have had this for years.",
    ],
)
def test_a_pronoun_without_a_verdict_on_a_thing_is_no_claim(answer: str) -> None:
    """Wishes, thanks, questions and words on the injury itself."""
    _, found = thread(ADVICE, ("b", answer, []))
    assert not found


def test_a_pronoun_without_anything_to_stand_for_is_no_claim() -> None:
    """Nothing is invented."""
    assert thread(("a", "My knee hurts.", []), ("b", "Tried it, did nothing.", [])) == [[], []]


def test_the_authors_own_words_in_the_post_come_first() -> None:
    """What is named in the same post takes the verdict; no claim of the pronoun's own is added."""
    text = "I bought a slant board. It fixed my heel."
    _, found = thread(ADVICE, ("b", text, [named("2", text, "slant board")]))
    assert [(c.phrase, c.outcome, c.verdict.text) for c in found] == [
        ("slant board", "helped", "It fixed my heel.")
    ]


def test_news_in_the_same_post_overrule_the_verdict_before() -> None:
    """What was useless at first and helped in the end has helped."""
    text = "The taping did nothing at first. UPDATE: it fixed my thumb after all."
    found = thread(("a", text, [named("1", text, "taping", "no_effect")]))[0]
    assert [(c.outcome, c.verdict.text) for c in found] == [
        ("helped", "it fixed my thumb after all.")
    ]


def test_an_update_speaks_of_what_its_author_had_planned() -> None:
    """A verdict that names nothing, posts later; others' remedies in between do not count."""
    plan = "I start with hip bridges on Monday."
    other = "I prefer yoga."
    news = "UPDATE week 6: pain-free!"
    found = thread(
        ("a", plan, [named("1", plan, "hip bridges")]),
        ("b", other, [named("2", other, "yoga")]),
        ("a", news, []),
    )[2]
    assert [(c.means, c.outcome, c.verdict.text) for c in found] == [
        ("hip bridges", "helped", "pain-free")
    ]
    assert news[found[0].phrase_start :].startswith(found[0].phrase)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("Yes, a lot.", "helped"),
        ("Nope.", "no_effect"),
        ("Not really.", "no_effect"),
        ("A little, but it wore off.", "mixed"),
        ("Yes and no.", None),
        ("Hard to say.", None),
    ],
)
def test_an_answer_to_did_it_help_is_a_verdict(answer: str, outcome: str | None) -> None:
    """Where one thing was asked about and the answer is plain."""
    asked = "Did the insoles help?"
    claim = named("1", asked, "insoles", experiencer="question")
    _, found = thread(("a", asked, [claim]), ("b", answer, []))
    assert [c.outcome for c in found] == ([outcome] if outcome else [])
    assert all(c.means == "insoles" for c in found)


def test_an_answer_to_a_question_on_two_things_stays_open() -> None:
    """Nobody can say which of them it was."""
    asked = "Did the insoles or the tape help?"
    claims = [named("1", asked, word, experiencer="question") for word in ("insoles", "tape")]
    assert thread(("a", asked, claims), ("b", "Yes, a lot.", []))[1] == []


def test_a_reply_goes_to_the_post_it_names_before_the_one_above() -> None:
    """The edge that the page shows is surer than the order of posts."""
    first, second = "Try heel drops.", "Try a night splint."
    found = thread(
        ("a", first, [named("1", first, "heel drops", experiencer="advice")]),
        ("b", second, [named("2", second, "night splint", experiencer="advice")]),
        ("c", "Tried those, did nothing.", []),
        reply={"3": "1"},
    )[2]
    assert found[0].means == "heel drops"


def test_a_noun_that_only_says_what_kind_of_thing_it_was_is_resolved() -> None:
    """A stretch spoken of without its name is the one in the post above."""
    above, text = "The couch stretch is the best.", "This stretch did nothing for me."
    found = thread(
        ("a", above, [named("1", above, "couch stretch", "helped")]),
        ("b", text, [named("2", text, "stretch", "no_effect")]),
    )[1]
    assert [(c.phrase, c.means) for c in found] == [("stretch", "couch stretch")]


@pytest.mark.parametrize("device", ["bar", "brace", "strap"])
def test_a_device_stands_for_itself(device: str) -> None:
    """Its own verdict is none on the exercise named before it."""
    text = f"Towel twists made my elbow flare up. The {device} helped."
    both = [named("1", text, "Towel twists", "worse"), named("1", text, device, "helped")]
    found = thread(("a", text, both))[0]
    assert [(c.phrase, c.means) for c in found] == [("Towel twists", None), (device, None)]


def test_a_long_thread_is_resolved_in_linear_time_and_space() -> None:
    """Ten thousand posts that all point: each looks at a few posts only."""
    text = "Tried it, did nothing."
    posts: list[tuple[str, str, list[Claim]]] = [(f"u{n % 50}", text, []) for n in range(10_000)]
    found = thread(ADVICE, *posts)
    assert len(found) == 10_001
