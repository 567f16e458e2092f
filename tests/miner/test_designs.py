"""Design, people and direction of a study, on invented records."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from crawler.documents import Source, Study
from miner.designs import design_of, finding_of, from_words, people_in, read


@pytest.mark.parametrize(
    ("title", "abstract", "types", "design"),
    [
        ("Ring splints: a randomised controlled trial", "", (), "rct"),
        (
            "Ring splints for climbers",
            "Sixty climbers were randomly assigned to a splint or none.",
            (),
            "rct",
        ),
        ("Ring splints", "We measured grip.", ("Randomized Controlled Trial",), "unknown_study"),
        (
            "Ring splints in rats: a study",
            "Rats were randomly assigned to two diets.",
            (),
            "unknown_study",
        ),
        (
            "Cost of splints: a secondary analysis",
            "A secondary analysis of data. Cohort of 80.",
            (),
            "cohort",
        ),
        ("Splints for fingers: a systematic review of randomised trials", "", (), "sr_rct"),
        (
            "Splints: a systematic review",
            "We included randomised trials and cohort studies.",
            (),
            "sr_mixed",
        ),
        ("Finger pain in climbers: systematic review of cohort studies", "", (), "sr_cohort"),
        ("Surgery of pulleys: a systematic review of case series", "", (), "sr_case_series"),
        ("Splints: study protocol for a randomised trial", "", (), "protocol"),
        ("Clinical practice guideline on finger pain", "", (), "guideline"),
        ("Pulley rupture in a climber: a case report", "", (), "case_report"),
        ("Pulley rupture", "A 31-year-old man presented with a snap.", (), "case_report"),
        ("Pulley repair: a series of 12 patients", "", (), "case_series"),
        ("Finger pain: a case-control study", "", (), "case_control"),
        (
            "Prevalence of finger pain in climbers",
            "An online survey was sent to clubs.",
            (),
            "cross_sectional",
        ),
        ("Finger pain", "A prospective cohort was followed for two years.", (), "cohort"),
        (
            "Management of finger pain: current concepts",
            "This review discusses treatment.",
            (),
            "narrative_review",
        ),
        ("Splints and pain", "A single-arm trial with pre-post measures.", (), "before_after"),
        ("Letter about splints", "", ("Letter",), "editorial"),
        ("Splints", "Nothing is said.", (), "unknown_study"),
    ],
)
def test_design_is_read_from_the_words(title: str, abstract: str, types: Any, design: str) -> None:
    """Title and abstract go before types; a type alone makes no trial."""
    assert design_of(title, abstract, types)[0] == design


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("40 climbers were treated", 40),
        ("A total of 1,204 patients took part", 1204),
        ("A survey of over 2,000 hurt runners", 2000),
        ("In 2014 patients were asked", None),
        ("5-10 patients a week", None),
        ("12% of patients", None),
        ("pain in the right knee.7 Patients rest", None),
        ("the top 20 cases", None),
        ("one in 5 people", None),
        ("Nineteen women and others", 19),
        ("the groups (n = 45) rested", 45),
        ("3 sets of 20 squats", None),
    ],
)
def test_number_of_people_is_really_one(text: str, n: int | None) -> None:
    """Years, ranges, shares, ranks and footnotes are no people."""
    assert people_in(text) == n


@pytest.mark.parametrize(
    ("abstract", "direction"),
    [
        ("Conclusion: splints significantly reduced pain.", "supports"),
        ("Conclusion: splints increased grip strength.", "supports"),
        ("Conclusion: splints increased pain at night.", "contradicts"),
        ("Conclusion: splints reduced grip strength.", "contradicts"),
        ("Conclusion: there was no significant difference between groups.", "no_effect"),
        ("Conclusion: splints were worse than tape.", "contradicts"),
        ("Conclusion: splints are safe and effective.", "supports"),
        ("Conclusion: the evidence is insufficient.", "unclear"),
        ("Conclusion: splints reduced pain. There was no difference in function.", "mixed"),
        ("Methods. We counted. Splints reduced pain a lot. Nothing follows.", "supports"),
        ("", "unclear"),
    ],
)
def test_direction_is_change_times_what_the_outcome_means(abstract: str, direction: str) -> None:
    """Less pain supports, less strength does not."""
    assert finding_of(abstract)[0] == direction


def test_sentence_of_an_article_names_a_design_or_none() -> None:
    """What a writer calls a study is all there is."""
    assert from_words("a 2019 randomised trial of tape") == "rct"
    assert from_words("a systematic review of randomised trials") == "sr_rct"
    assert from_words("a 2019 paper on tape") is None


def test_record_is_read_whole_with_reasons_and_flags() -> None:
    """Retraction, preprint and an unknown design are flags; each reading says why."""
    source = Source(
        url="https://x.example/1",
        site="x.example",
        fetched=datetime(2026, 1, 1, tzinfo=UTC),
        engine="e",
    )
    found = read(
        Study(
            source=source,
            title="Tape after sprains: a randomised trial",
            abstract="62 patients took part. Conclusion: tape reduced swelling.",
            publication_types=("Preprint",),
            retracted=True,
        )
    )
    assert (found.design, found.n, found.direction) == ("rct", 62, "supports")
    assert found.flags == ("retracted", "preprint")
    assert found.reasons[0].startswith("design: ")
