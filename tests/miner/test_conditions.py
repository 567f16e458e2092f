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
    version,
    with_own,
)
from miner.model import Claim, Experiencer, Quote

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


def remedy(asked: Thread, number: int, phrase: str, experiencer: Experiencer = "self") -> Claim:
    """The claim on a phrase of a thread's post."""
    start = asked.posts[number - 1].text.index(phrase)
    quote = Quote(document=SOURCE.url, part=str(number), start=start, text=phrase)
    return Claim(
        kind="remedy", phrase=phrase, phrase_start=start, quote=quote, experiencer=experiencer
    )


def condition_in(asked: Thread, number: int, phrase: str, who: Experiencer = "self") -> str | None:
    """The condition of the claim on a phrase."""
    return assign([remedy(asked, number, phrase, who)], asked)[0].condition


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("My hip flexors ache on every ride", "hip-flexor"),
        ("FAI and nothing else", "hip-impingement"),
        ("anyone with a torn labrum?", "hip-impingement"),
        ("SLAP tear, physio or knife", "shoulder-labrum"),
        ("ITBS again", "it-band"),
        ("runner’s knee since spring", "patellofemoral"),
        ("Meniscus tears in your fifties", "meniscus"),
        ("Achilles trouble", "achilles"),
        ("plantar-fasciitis in both feet", "plantar-fascia"),
        ("sciatica down to the toes", "sciatica"),
        ("wonky SI joint", "sacroiliac"),
        ("piriformis syndrome", "piriformis"),
        ("golfers elbow, never golfed", "golfers-elbow"),
        ("A2 pulley went on a crimp", "finger-pulley"),
        ("rotator cuff", "rotator-cuff"),
        ("stiff neck every Monday", "neck"),
        ("carpal tunnel at thirty", "carpal-tunnel"),
        ("shin splints", "shin"),
        ("high hamstring thing", "hamstring-tendon"),
        ("adductor strains in goalkeepers", "groin"),
        ("rolled my ankle twice", "ankle-sprain"),
        ("Morton's neuroma", "morton-neuroma"),
        ("migraines after training", "migraine"),
        ("the knee hurts", "knee-other"),
        ("ACL gone, ski season too", "acl"),
        ("a Baker’s cyst like a plum", "bakers-cyst"),
        ("jumpers knee", "patellar-tendon"),
        ("knee pain on stairs", "knee-other"),
        ("arthritis in my knee", "knee-osteoarthritis"),
        ("lower back pain every winter", "low-back"),
        ("a slipped disc, L5-S1", "sciatica"),
        ("lumbar spinal stenosis", "spinal-stenosis"),
        ("spondylolisthesis grade two", "spondylolisthesis"),
        ("frozen shoulder", "frozen-shoulder"),
        ("separated my shoulder", "ac-joint"),
        ("cubital tunnel", "cubital-tunnel"),
        ("tennis elbow", "tennis-elbow"),
        ("De Quervain's", "de-quervain"),
        ("trigger finger", "trigger-finger"),
        ("whiplash", "whiplash"),
        ("a pinched nerve in my neck", "cervical-radiculopathy"),
        ("high ankle sprain", "high-ankle-sprain"),
        ("stress fracture in my shin", "tibial-stress-fracture"),
        ("a stress fracture", "stress-fracture"),
        ("turf toe", "turf-toe"),
        ("gout again", "gout"),
        ("CRPS after the cast", "crps"),
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


LIFE = "We moved house in spring and I have been busy with boxes, the garden and the children. " * 3


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("On the other hand the new place is quiet.", None),
        ("The neighbour waved a hand.", None),
        ("My hand goes numb at night.", "wrist"),
        ("I held it in one hand. Then the other hand.", "wrist"),
        ("The side of my hip is the worst of it.", "lateral-hip"),
    ],
)
def test_a_part_of_the_body_in_passing_names_nothing(told: str, expected: str | None) -> None:
    """In a longer text it counts if something is wrong with it, or it comes twice."""
    found = conditions_of_text(LIFE + told)
    assert (found[0] if found else None) == expected


def test_the_longer_name_wins_where_two_overlap() -> None:
    """A shoulder labral tear is no hip."""
    assert conditions_of_text("shoulder labral tear") == ("shoulder-labrum",)


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
    assert condition_of_article(article) == "carpal-tunnel"


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
        "hip-flexor", "tennis-elbow", "hip-flexor", "hip-flexor", "hip-flexor",
    ]  # fmt: skip


def test_a_sentence_that_says_whose_condition_it_is_goes_before_its_post() -> None:
    """The next sentence of the same post is about the thread's again."""
    asked = thread(
        "Plantar fasciitis that drags on",
        "Plantar fasciitis since May. Taping helps. For my frozen shoulder swimming was the thing.",
        "My plantar fasciitis went with calf work. My tennis elbow needed a strap.",
    )
    assert condition_in(asked, 1, "Taping") == "plantar-fascia"
    assert condition_in(asked, 1, "swimming") == "frozen-shoulder"
    assert condition_in(asked, 2, "calf work") == "plantar-fascia"
    assert condition_in(asked, 2, "strap") == "tennis-elbow"


@pytest.mark.parametrize(
    "told",
    [
        "The scan says my pain is not sciatica, so I took up rowing.",
        "I never had gout, but I took up rowing.",
        "My aunt had carpal tunnel when I took up rowing.",
        "I was told I had gout, and I took up rowing.",
        "I stretched my hamstrings and I took up rowing.",
        "People with whiplash can try rowing.",
        "After her ACL I took up rowing.",
    ],
)
def test_a_mention_in_passing_takes_nothing_over(told: str) -> None:
    """Denied, doubted, somebody else's, a body part, nobody's: the thread's stays."""
    asked = thread("Tennis elbow for a year", "My tennis elbow will not go.", told)
    assert condition_in(asked, 2, "rowing") == "tennis-elbow"


def test_what_a_claim_reports_of_another_has_the_others_condition() -> None:
    """A sister's wrist is no elbow."""
    asked = thread(
        "Tennis elbow for a year", "Still.", "My sister got rid of her carpal tunnel with a splint."
    )
    assert condition_in(asked, 2, "splint", "other") == "carpal-tunnel"
    assert condition_in(asked, 2, "splint") == "tennis-elbow"


def test_an_unspecified_pain_gives_way_to_the_narrower_one_that_is_named() -> None:
    """In the thread as a whole, and never the other way round in one sentence."""
    asked = thread(
        "Lower back pain after lifting",
        "Lower back pain for weeks, and the scan found a herniated disc. Herniated discs heal?",
        "I had back pain like that and rolled it out.",
    )
    assert condition_of_thread(asked) == "sciatica"
    assert condition_in(asked, 2, "rolled it out") == "sciatica"
    passing = thread("Lower back pain", "Lower back pain. My boss says herniated disc.")
    assert condition_of_thread(passing) == "low-back"
    plain = thread("Lower back pain", "Lower back pain, the scan shows it is not a herniated disc.")
    assert condition_of_thread(plain) == "low-back"


def test_of_rival_narrower_conditions_none_is_forced() -> None:
    """Two guesses of equal weight leave the pain unspecified."""
    asked = thread("Knee pain", "Knee pain on stairs: torn meniscus, or plica syndrome?")
    assert condition_of_thread(asked) == "knee-other"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("costocondritis", "costochondritis"),
        ("fibromylgia", "fibromyalgia"),
        ("my menicsus", "meniscus"),
        ("plantar fascittis", "plantar-fascia"),
        ("lateral epicondilitis", "tennis-elbow"),
        ("mighraines", "migraine"),
        ("siatica", "sciatica"),
        ("achillies", "achilles"),
    ],
)
def test_one_slip_of_the_pen_in_a_long_name_is_forgiven(text: str, expected: str) -> None:
    """A letter too few, too many, wrong or swapped with its neighbour."""
    assert conditions_of_text(text)[0] == expected


@pytest.mark.parametrize(
    "text",
    ["an abductor", "the planter on the porch", "shipping on Friday", "a confusion", "neurosis",
     "it was hamstrung", "they migrate", "literally", "a firearm", "a concession",
     "vertical", "texting", "a heading", "the bursary"],
)  # fmt: skip
def test_everyday_words_near_a_name_name_nothing(text: str) -> None:
    """Only words that are no neighbours of everyday ones are mended."""
    assert conditions_of_text(text) == ()


def test_a_text_without_stops_is_read_once() -> None:
    """A claim's sentence and what is before a name have bounds, however long the post is."""
    long = "my knee pain is not so bad and " * 30_000 + "rowing helped"
    asked = thread("Tennis elbow", "Tennis elbow.", long)
    assert condition_in(asked, 2, "rowing") == "knee-other"


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
        return np.array([[1.0, 0.0] if t in {"rib fracture", "sore side"} else [0.0, 1.0]
                         for t in texts], dtype=np.float32)  # fmt: skip

    assert match("tennis elbow", encode) == "tennis-elbow"
    assert asked == []
    assert match("sore side", encode) == "rib-fracture"


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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PF again, the heel is worst in the morning", "plantar-fascia"),
        ("PF again, the kneecap grinds on stairs", "patellofemoral"),
        ("PF therapist said relax the pelvic floor", "pelvic-floor"),
        ("SI is out again, back pain all week", "sacroiliac"),
        ("TOS, says the neck man: the neck is fine", "thoracic-outlet"),
        ("OA in both knees", "knee-osteoarthritis"),
        ("OA in my hip", "hip-osteoarthritis"),
        ("A2 popped, finger is fat", "finger-pulley"),
    ],
)
def test_a_short_form_means_what_stands_beside_it(text: str, expected: str) -> None:
    """One of several conditions, told by the region."""
    assert conditions_of_text(text)[0] == expected


@pytest.mark.parametrize(
    "text", ["PF", "read the TOS", "an A2 poster", "the SI unit", "my ECU died", "PIP install"]
)
def test_a_short_form_alone_means_nothing(text: str) -> None:
    """It may be a paper size or a car part."""
    assert conditions_of_text(text) == ()


def test_the_post_tells_what_a_short_form_in_the_title_means() -> None:
    """Title and first post are read together."""
    asked = thread("PF for a year", "The first steps kill my heel.")
    assert condition_of_thread(asked) == "plantar-fascia"


def test_own_words_are_added_to_a_known_condition_and_own_conditions_come_first() -> None:
    """What a person writes in their settings wins over the shipped list."""
    own = (
        Condition(id="plantar-fascia", names=("policeman's heel",)),
        Condition(id="chain-ring", names=("tennis elbow",), region="elbow"),
    )
    known = with_own(own)
    assert conditions_of_text("policemans heel", known) == ("plantar-fascia",)
    assert conditions_of_text("plantar fasciitis", known) == ("plantar-fascia",)
    assert conditions_of_text("tennis elbow", known) == ("chain-ring",)
    assert name_of("chain-ring", known) == "Chain ring"
    assert name_of("plantar-fascia", known) == name_of("plantar-fascia")
    assert related("chain-ring", "elbow", known)
    assert len(known) == len(shipped()) + 1
    assert len({version(), version(known), version(with_own(own[:1]))}) == 3
    assert with_own(()) == shipped()


def test_the_shipped_conditions_are_whole() -> None:
    """Ids once each, every one known by something, every kin a known id, each name its own."""
    ids = known_ids()
    assert len(ids) == len(set(ids)) >= 80
    for some in shipped():
        assert some.names or some.hints
        assert set(some.near) <= set(ids)
        assert some.name
        assert some.region
        assert set(some.parts) <= set(some.names)
        for name in some.names:
            assert conditions_of_text(name)[0] == some.id, name
