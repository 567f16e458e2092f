"""What a thread, a post and a study are about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.typing import NDArray

from crawler.documents import Article, Post, Source, Thread
from miner.conditions import (
    Condition,
    assign,
    condition_of_article,
    condition_of_thread,
    conditions_of_text,
    known_ids,
    match,
    name_of,
    region_of,
    related,
    shipped,
)
from miner.model import Claim, Quote

SOURCE = Source(
    url="https://forum.example/t/1",
    site="forum.example",
    fetched=datetime(2024, 5, 1, tzinfo=UTC),
    engine="plain",
)


def thread(title: str, *texts: str) -> Thread:
    """A thread of posts whose ids are 1, 2, 3 and so on."""
    posts = tuple(Post(id=str(n), number=n, text=text) for n, text in enumerate(texts, 1))
    return Thread(source=SOURCE, title=title, posts=posts)


def claim(part: str) -> Claim:
    """Some claim of a post."""
    quote = Quote(document=SOURCE.url, part=part, start=0, text="ice")
    return Claim(kind="remedy", phrase="ice", phrase_start=0, quote=quote)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("My hip flexors ache on every ride", "hip-flexor"),
        ("FAI and nothing else", "hip-impingement"),
        ("anyone with a torn labrum?", "hip-impingement"),
        ("SLAP tear, physio or knife", "shoulder"),
        ("ITBS again", "it-band"),
        ("runner’s knee since spring", "patellofemoral"),
        ("Meniscus tears in your fifties", "knee-other"),
        ("Achilles trouble", "achilles"),
        ("plantar-fasciitis in both feet", "plantar-fascia"),
        ("sciatica down to the toes", "low-back"),
        ("wonky SI joint", "sacroiliac"),
        ("piriformis syndrome", "piriformis"),
        ("golfers elbow, never golfed", "elbow"),
        ("A2 pulley went on a crimp", "finger"),
        ("rotator cuff", "shoulder"),
        ("stiff neck every Monday", "neck"),
        ("carpal tunnel at thirty", "wrist"),
        ("shin splints", "shin"),
        ("high hamstring thing", "hamstring"),
        ("adductor strains in goalkeepers", "groin"),
        ("rolled my ankle twice", "ankle"),
        ("Morton's neuroma", "foot-other"),
        ("migraines after training", "headache"),
        ("the knee hurts", "knee-other"),
    ],
)
def test_a_condition_is_known_by_its_names(text: str, expected: str) -> None:
    """In any case, plural or not; hints decide where no name stands."""
    assert conditions_of_text(text)[0] == expected


@pytest.mark.parametrize(
    "text", ["", "what a nice day", "the fair was fun", "a hippo", "slap on the back of the car"]
)
def test_part_words_and_lower_case_abbreviations_name_nothing(text: str) -> None:
    """Word borders count, and what counts only in capitals counts only in capitals."""
    assert conditions_of_text(text) == ()


def test_the_longer_name_wins_where_two_overlap() -> None:
    """A shoulder labral tear is no hip."""
    assert conditions_of_text("shoulder labral tear") == ("shoulder",)


def test_a_title_outweighs_the_life_story_of_the_first_post() -> None:
    """What the thread is about is said at the top."""
    asked = thread(
        "Plantar fasciitis: shoes?",
        "Years ago it was a meniscus, then tennis elbow and lower back pain. Now this.",
    )
    assert condition_of_thread(asked) == "plantar-fascia"


def test_without_a_word_at_the_top_the_answers_decide() -> None:
    """A bare title is no reason to know nothing."""
    asked = thread("Help!", "It hurts when I run", "Sounds like shin splints", "Yes, shin splints")
    assert condition_of_thread(asked) == "shin"


def test_a_thread_about_nothing_known_has_no_condition() -> None:
    """None, not a guess."""
    assert condition_of_thread(thread("Tubeless or tubes?", "Which tyre?")) is None


def test_an_article_is_about_what_it_says_most() -> None:
    """Title and text together."""
    article = Article(
        source=SOURCE,
        title="When to see someone",
        text="Carpal tunnel syndrome is common. Carpal tunnel rarely needs a knife. Neck pain too.",
    )
    assert condition_of_article(article) == "wrist"


def test_a_post_about_its_authors_other_injury_gets_that_one() -> None:
    """The others keep the thread's."""
    asked = thread(
        "Hip flexor strain, how long?",
        "Week six and my hip flexor still grumbles.",
        "I had tennis elbow for a year and only slow lowering did anything.",
        "Ice it.",
        "Same hip flexor here, plus my bad shoulder pain which came first.",
        "It is not like my sister's carpal tunnel, mine was never carpal tunnel.",
    )
    found = assign([claim(str(n)) for n in range(1, 6)], asked)
    assert [some.condition for some in found] == [
        "hip-flexor", "elbow", "hip-flexor", "hip-flexor", "hip-flexor",
    ]  # fmt: skip


def test_assigning_changes_nothing_but_the_condition() -> None:
    """Ids and order stay."""
    claims = [claim("1"), claim("2")]
    found = assign(claims, thread("Shin splints", "ice", "ice"))
    assert [some.id for some in found] == [some.id for some in claims]


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        ("hip-related pain in young adults", "hip-impingement"),
        ("femoroacetabular impingement syndrome", "hip-impingement"),
        ("osteoarthritis of the hip", "hip-osteoarthritis"),
        ("chronic non-specific low back pain", "low-back"),
        ("healthy volunteers", None),
        ("recreational runners", None),
    ],
)
def test_the_condition_of_a_study_is_matched_by_its_description(
    described: str, expected: str | None
) -> None:
    """None where it is about no known condition."""
    assert match(described) == expected


def test_meaning_is_asked_only_where_no_name_hits() -> None:
    """And only with an encoder, and only above the stated likeness."""
    asked: list[str] = []

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        asked.extend(texts)
        return np.array([[1.0, 0.0] if "rib" in t or t == "sore side" else [0.0, 1.0]
                         for t in texts], dtype=np.float32)  # fmt: skip

    assert match("tennis elbow", encode) == "elbow"
    assert asked == []
    assert match("sore side", encode) == "upper-back"


def test_kin_conditions_are_related_and_never_the_same() -> None:
    """Evidence from one is indirect for the other."""
    assert related("hip-osteoarthritis", "hip-impingement")
    assert related("low-back", "piriformis")
    assert related("piriformis", "low-back")
    assert not related("elbow", "hip-flexor")
    assert not related("elbow", "elbow")
    assert not related("elbow", "unheard-of")


def test_a_users_own_conditions_take_the_place_of_the_shipped_ones() -> None:
    """They are values of the same shape."""
    own = (Condition(id="saddle", name="Saddle trouble", region="pelvis", names=("saddle sore",)),)
    assert conditions_of_text("saddle sores and a stiff neck", own) == ("saddle",)
    assert name_of("saddle", own) == "Saddle trouble"
    assert region_of("neck", own) is None


def test_the_shipped_conditions_are_whole() -> None:
    """Ids once each, every one known by something, every kin a known id, each name its own."""
    ids = known_ids()
    assert len(ids) == len(set(ids)) >= 25
    for some in shipped():
        assert some.names or some.hints
        assert set(some.near) <= set(ids)
        for name in some.names:
            assert conditions_of_text(name)[0] == some.id, name
