"""Different spellings of one idea become one phrase."""

from __future__ import annotations

from dataclasses import replace

import pytest

from miner.model import Claim, Quote
from miner.phrases import ideas, is_pointer, normalise
from miner.spelling import corrected, vocabulary


def said(phrase: str, part: str, start: int, *, author: str | None = None) -> Claim:
    """A remedy claim of a post."""
    quote = Quote(document="https://forum.example/t/1", part=part, start=start, text=phrase)
    return Claim(kind="remedy", phrase=phrase, phrase_start=start, quote=quote, author=author)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("PT", "physical therapy"),
        ("my physical therapist", "physical therapy"),
        ("ART", "active release technique"),
        ("SI joint", "the sacroiliac joint"),
        ("si-joint", "SI joint"),
        ("ITB", "IT band"),
        ("PFPS", "patellofemoral pain syndrome"),
        ("FAI", "femoroacetabular impingement"),
        ("stretches", "stretching"),
        ("icing", "ice"),
        ("my calf raises", "Calf raise"),
        ("cortisone shots", "cortisone injection"),
        ("slipped disk", "slipped disc"),
        ("the doctor’s orthotics", "doctor orthotic"),
    ],
)
def test_ways_of_writing_one_idea_are_folded(one: str, other: str) -> None:
    """Abbreviations, plurals, possessives, fillers and variants do not part an idea."""
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("knee sleeve", "knee surgery"),
        ("art class", "ART"),
        ("it", "IT band"),
        ("rice for dinner", "RICE"),
        ("walking", "waking"),
        ("healing", "heating"),
    ],
)
def test_different_ideas_stay_apart(one: str, other: str) -> None:
    """A likeness in letters alone folds nothing."""
    assert normalise(one) != normalise(other)


@pytest.mark.parametrize("phrase", ["FAI Fix", "PT Direct plan", "ART Studio sessions"])
def test_an_abbreviation_inside_a_proper_name_is_kept(phrase: str) -> None:
    """Brand names are not written out."""
    assert normalise(phrase).split()[0] == phrase.partition(" ")[0].lower()


@pytest.mark.parametrize("phrase", ["psoas", "pelvis", "tennis elbow", "pilates", "arthritis"])
def test_a_singular_that_ends_in_s_is_kept(phrase: str) -> None:
    """Only plurals lose their s."""
    assert normalise(phrase) == phrase


def test_normalising_twice_changes_nothing() -> None:
    """A normalised phrase is its own normal form."""
    for phrase in ("My SI joints", "two steroid jabs", "Foam rolled it", "PT/stretching", "ITBS"):
        once = normalise(phrase)
        assert normalise(once) == once


def test_a_phrase_of_fillers_is_not_emptied() -> None:
    """Something is left to group by."""
    assert normalise("the other one, maybe") != ""
    assert normalise("...") == "..."


@pytest.mark.parametrize(
    ("slip", "meant"),
    [("stretcihng", "stretching"), ("acupunture", "acupuncture"), ("surgerry", "surgery")],
)
def test_a_slip_of_the_keys_is_mended(slip: str, meant: str) -> None:
    """One letter swapped, missing or doubled in a word of the field."""
    assert corrected(slip) == meant


def test_a_word_too_long_for_any_other_is_left_alone() -> None:
    """Its slips would be ten thousand million letters."""
    word = "ow" * 50_000
    assert corrected(word) == word


def test_words_of_the_field_are_never_corrected() -> None:
    """The vocabulary stands as it is."""
    assert all(corrected(word) == word for word in vocabulary())


@pytest.mark.parametrize("word", ["settings", "raining", "sanding", "farmer", "stage", "bakery"])
def test_other_words_are_left_alone(word: str) -> None:
    """A real word near a word of the field is not bent towards it."""
    assert corrected(word) == word


@pytest.mark.parametrize("phrase", ["it", "those", "Both of them", "tried that", "the other one"])
def test_a_phrase_of_pointing_words_is_a_pointer(phrase: str) -> None:
    """It names nothing by itself."""
    assert is_pointer(phrase)


@pytest.mark.parametrize("phrase", ["it band", "rest", "the boot", "that cushion"])
def test_a_phrase_that_names_something_is_no_pointer(phrase: str) -> None:
    """One word with a meaning is enough."""
    assert not is_pointer(phrase)


def test_a_pointer_stands_for_what_its_author_named_before() -> None:
    """In the same post first, else earlier in the same thread; never another author's words."""
    rocker = said("a rocker board", "1", 0, author="ann")
    other = said("heat pads", "2", 0, author="bob")
    later = said("it", "3", 4, author="ann")
    found = ideas([later, other, rocker])
    assert found[later.id] == found[rocker.id] != found[other.id]


def test_a_pointer_that_was_resolved_joins_what_it_stands_for() -> None:
    """Who said it first does not matter: "tried those" counts with the flat pedals it means."""
    named = said("flat pedals", "1", 0, author="ann")
    own = said("insoles", "2", 0, author="bob")
    pointed = replace(said("those", "2", 30, author="bob"), means="Flat pedals")
    found = ideas([own, pointed, named])
    assert found[pointed.id] == found[named.id] != found[own.id]


def test_a_pointer_without_an_antecedent_takes_the_words_around_it() -> None:
    """Nothing is thrown away and nothing is guessed."""
    quote = Quote(document="d", part="1", start=0, text="those red capsules did it for me")
    lone = Claim(kind="remedy", phrase="it", phrase_start=23, quote=quote)
    assert "capsule" in ideas([lone])[lone.id]


def test_phrases_that_differ_in_blanks_and_hyphens_are_one_idea() -> None:
    """Sit ups, sit-ups and situps."""
    claims = [said(text, str(n), 0) for n, text in enumerate(("situps", "sit ups", "Sit-ups"))]
    assert len(set(ideas(claims).values())) == 1


@pytest.mark.parametrize("phrase", ["ITB fix", "the SIJ method", "FAI solution"])
def test_the_name_of_a_product_is_not_written_out(phrase: str) -> None:
    """An abbreviation beside a word that products are named with is part of a name."""
    short = phrase.removeprefix("the ").split()[0].lower()
    assert short in normalise(phrase).split()
    assert short not in normalise(f"{short.upper()} stretches").split()
