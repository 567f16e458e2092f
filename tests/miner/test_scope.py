"""Rules of scope: who says it, when, which verdict speaks of what, and what shows it."""

from __future__ import annotations

import pytest

from miner.model import Kind
from miner.outcomes import OUTCOMES, Read, Weights, reading
from miner.scope import asked_about, basis, corrected, is_claim, is_recap, time
from miner.signals import Scene, scene, summing_up
from miner.verdicts import owned, place, told

PLAIN = Read(outcome="unknown", assertion="asserted", experiencer="self")


def span(seen: Scene, words: str) -> tuple[int, int]:
    """Where the words stand."""
    start = seen.text.index(words)
    return start, start + len(words)


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("My physio says it's the SI joint.", "the SI joint", "professional"),
        ("I was diagnosed with bursitis in May.", "bursitis", "professional"),
        ("The MRI showed a torn labrum.", "torn labrum", "professional"),
        ("It is a torn labrum, my surgeon said.", "torn labrum", "professional"),
        ("I read somewhere that collagen is good for tendons.", "collagen", "read"),
        ("Studies show that sitting is the main cause.", "sitting", "read"),
        ("I think it is my weak hips.", "weak hips", "own"),
        ("Long drives always set it off.", "Long drives", "own"),
    ],
)
def test_the_basis_is_who_stands_behind_the_words(text: str, words: str, expected: str) -> None:
    """A professional, something read, or the author's own view."""
    seen = scene(text)
    assert basis(PLAIN, seen, *span(seen, words)) == expected


def test_an_outcome_rests_on_experience_whoever_advised_the_thing() -> None:
    """The physio gave the exercise, the author knows what came of it."""
    seen = scene("My physio told me to do clamshells and they helped.")
    helped = Read(outcome="helped", assertion="asserted", experiencer="self")
    assert basis(helped, seen, *span(seen, "clamshells")) == "own"


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("I will try insoles next week.", "insoles", "plan"),
        ("Ordered a grip trainer.", "grip trainer", "plan"),
        ("Surgery is scheduled for May.", "Surgery", "plan"),
        ("I tried insoles last year.", "insoles", "past"),
        ("Insoles helped back in 2019.", "Insoles", "past"),
        ("I am doing heel drops every day.", "heel drops", "now"),
        ("I still wear a brace.", "brace", "now"),
    ],
)
def test_the_time_is_when_it_was_done_or_is_meant_to_be(
    text: str, words: str, expected: str
) -> None:
    """Past, now or planned."""
    seen = scene(text)
    assert time(PLAIN, seen, *span(seen, words)) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Ice, heat and tape. Each of these eases it, though slowly.", "mixed"),
        ("Ice, heat and tape. All of this helps. Only slowly.", "mixed"),
        ("Ice, heat and tape. Each of them takes the edge off until noon.", "mixed"),
        ("Ice, heat and tape. None of it made a difference.", "no_effect"),
        ("Ice, heat and tape, to no avail.", "no_effect"),
        ("Ice, heat and tape, and nothing has worked.", "no_effect"),
        ("Ice, heat and tape. They all made it worse.", "worse"),
        ("Ice, heat and tape. Together they fixed it.", "helped"),
        ("Ice, heat and tape. Does all of that help?", None),
        ("Ice, heat and tape. All of us hope it helps.", None),
    ],
)
def test_a_summing_up_speaks_of_the_whole_list(text: str, says: str | None) -> None:
    """Over clauses and sentences; a question or a wish sums up nothing."""
    seen = scene(text)
    index = summing_up(seen, *span(seen, "heat"))
    found = seen.sums[index] if index is not None else None
    assert (found.says if found else None) == says


def test_what_a_summing_up_excepts_is_left_out() -> None:
    """None of it helped apart from the tape: that is no verdict on the tape."""
    seen = scene("None of the pills and creams apart from the tape helped. Nothing else worked.")
    assert summing_up(seen, *span(seen, "tape")) is None


@pytest.mark.parametrize(
    ("text", "verdicts"),
    [
        ("Ice did nothing, but heat helped.", {"Ice": "no_effect", "heat": "helped"}),
        ("Ice and heat did nothing.", {"Ice": "no_effect", "heat": "no_effect"}),
        ("No luck with ice. Heat helped a bit.", {"ice": "no_effect", "Heat": "mixed"}),
        ("Ice: nothing. Heat: a lifesaver.", {"Ice": "no_effect", "Heat": "helped"}),
        ("I wore a brace. It made things worse.", {"brace": "worse"}),
        ("I hope the ice helps.", {"ice": None}),
        ("I tried heat for a month, no change.", {"heat": "no_effect"}),
        ("Heat helped for a month.", {"heat": None, "Heat": "mixed"}),
        ("Nothing helped until I took up swimming.", {"swimming": "helped"}),
        ("Nothing works except naproxen.", {"naproxen": "helped"}),
        ("I had one jab and it never came back.", {"jab": "helped"}),
        ("Planks twice a week, none since March.", {"Planks": "helped"}),
        ("I do squats, nothing fancy.", {"squats": None}),
        ("No side effects from the tablets.", {"tablets": None}),
        ("My brace, no trouble, the swelling is gone.", {"brace": "helped"}),
        ("The cream worked like rubbish.", {"cream": "no_effect"}),
    ],
)
def test_a_verdict_belongs_to_the_nearest_remedy_or_list(
    text: str, verdicts: dict[str, str | None]
) -> None:
    """Words of outcome are read in their scope and given to what they speak of."""
    seen = scene(text)
    there = {words: span(seen, words) for words in verdicts if words in text}
    found = owned(seen, list(there.values()))
    assert {words: told(found[where]) for words, where in there.items()} == {
        words: verdicts[words] for words in there
    }


def test_the_plain_words_beside_a_remedy_outweigh_the_opposite() -> None:
    """Helped is never read where the words right there say no effect, and the other way round."""
    for text, wrong, right in (
        ("Taping did nothing for my knee.", "helped", "no_effect"),
        ("Taping has helped my knee.", "no_effect", "helped"),
    ):
        seen = scene(text)
        where = span(seen, "Taping")
        verdicts = owned(seen, [where])[where]
        read = Read(outcome=wrong, assertion="asserted", experiencer="self")  # type: ignore[arg-type]
        assert corrected(read, seen, *where, "remedy", verdicts).outcome == right


def test_what_is_still_to_come_has_no_outcome() -> None:
    """A price or a complaint before the thing was ever used."""
    seen = scene("I bought a massage gun, it was way too expensive. It arrives on Friday.")
    where = span(seen, "massage gun")
    read = Read(outcome="no_effect", assertion="asserted", experiencer="self")
    assert corrected(read, seen, *where, "remedy").outcome == "unknown"


@pytest.mark.parametrize("kind", ["cause", "trigger", "diagnosis"])
def test_only_a_remedy_has_an_outcome(kind: Kind) -> None:
    """Whatever was read."""
    seen = scene("Running made it worse.")
    read = Read(outcome="worse", assertion="asserted", experiencer="self")
    assert corrected(read, seen, *span(seen, "Running"), kind).outcome == "unknown"


def test_the_words_that_show_an_outcome_are_found_sentences_later() -> None:
    """The verdict is the clause, with its place in the text."""
    text = "I did ice and heat. My boss is a pain. The dog is fine. None of it helped."
    seen = scene(text)
    where = span(seen, "heat")
    start, end = place(seen, where, "no_effect", owned(seen, [where])[where]) or (0, 0)
    assert text[start:end] == "None of it helped."


def test_the_place_of_a_verdict_lies_in_the_text_for_every_outcome() -> None:
    """Or there is none."""
    text = "Ice. Heat helped; tape did not, but cream made it worse for a bit.\n\nUPDATE: gone!"
    seen = scene(text)
    for words in ("Ice", "Heat", "tape", "cream"):
        where = span(seen, words)
        for outcome in OUTCOMES[:-1]:
            found = place(seen, where, outcome, owned(seen, [where])[where])
            assert found is None or 0 <= found[0] < found[1] <= len(text)


@pytest.mark.parametrize(
    ("text", "things"),
    [
        ("Does dry needling really work?", ["dry needling"]),
        ("Did the insoles help you?", ["insoles"]),
        ("Is a brace worth it?", ["brace"]),
        ("Does it help?", []),
        ("Did anyone find that it works?", []),
        ("Dry needling does work.", []),
    ],
)
def test_what_is_asked_about_in_so_many_words_is_found(text: str, things: list[str]) -> None:
    """The thing between "does" and "work", where it is one."""
    assert [text[start:end] for start, end in asked_about(scene(text))] == things


@pytest.mark.parametrize(
    ("text", "words", "kind", "expected"),
    [
        ("I never stopped rowing.", "stopped rowing", "remedy", False),
        ("I stopped rowing.", "stopped rowing", "remedy", True),
        ("Nobody knows the root cause.", "root cause", "cause", False),
        ("The cause is my saddle.", "my saddle", "cause", True),
    ],
)
def test_what_went_on_or_has_no_name_is_no_claim(
    text: str, words: str, kind: Kind, expected: bool
) -> None:
    """A thing that was never left off, and a cause that is only called one."""
    seen = scene(text)
    assert is_claim(seen, *span(seen, words), kind) is expected


def test_a_list_said_back_is_a_recap_whatever_the_speaker_adds() -> None:
    """What somebody was given, before the speaker's own question."""
    seen = scene("With all you have been given, ice, heat, I wonder who looked at your hips.")
    assert is_recap(seen, span(seen, "heat")[0])
    own = scene("You tried ice, and I got rid of mine with heat.")
    assert not is_recap(own, span(own, "heat")[0])


@pytest.mark.parametrize(
    ("told", "scores", "expected"),
    [
        ("told mixed", [0.0, 1.0, 0.5, -3.0, 0.0], "mixed"),
        ("told None", [0.0, 1.0, 0.5, -3.0, 0.0], "unknown"),
        ("told None", [-3.0, 3.0, 0.0, -3.0, 0.0], "mixed"),
        ("told None", [3.0, 0.0, 0.0, -3.0, 0.0], "helped"),
    ],
)
def test_an_outcome_without_outcome_words_needs_better_grounds(
    told: str, scores: list[float], expected: str
) -> None:
    """What is only a little likelier than its opposite stays unknown, unless words speak of it."""
    known = {
        "outcome": {"": scores},
        "assertion": {"": [1.0, 0.0, 0.0]},
        "experiencer": {"": [1.0, 0.0, 0.0, 0.0]},
    }
    weights = Weights.of(known)
    assert reading({told: 1.0}, weights, "remedy").outcome == expected
