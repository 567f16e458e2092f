"""Design, people and direction of a study, on invented records."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crawler.documents import Source, Study
from crawler.literature.texts import page_count
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


# --- signs ------------------------------------------------------------------------------------

REVIEWED = (
    "Finger splints are common. Their use is based on habit and remains debated. Splints may rest "
    "a joint, but stiffness can follow, and climbers should move early. New materials are lighter."
)


def test_what_no_words_name_is_judged_by_its_signs() -> None:
    """A long text in the present without measures reads like a review; the reason names signs."""
    design, why = design_of("Finger splints", REVIEWED, pages=14)
    assert design == "narrative_review"
    assert why.startswith("by its signs (0.")
    told = "We measured grip. It was 40 (SD 3, p < 0.01). Strength was assessed and recorded."
    assert design_of("Grip of climbers in spring and autumn", told)[0] == "unknown_study"


def test_signs_never_tell_a_design_that_carries_a_level() -> None:
    """They tell what stands lowest on the scale, so that a wrong one raises nothing."""
    from miner.signs import _learnt

    assert set(_learnt().classes) == {"narrative_review", "case_report", "unknown_study"}


def test_a_title_of_pages_and_journals_counts_only_as_signs() -> None:
    """A type of the service goes before them, and so does a design it states."""
    assert design_of("Finger splints", REVIEWED, ["Letter"], pages=14)[0] == "editorial"
    source = Source(url="u", site="s", fetched=datetime(2026, 1, 1, tzinfo=UTC), engine="openalex")
    stated = Study(source=source, title="Finger splints", abstract=REVIEWED, design="cohort")
    assert read(stated).design == "cohort"


@pytest.mark.parametrize(
    ("abstract", "design"),
    [
        ("A post hoc secondary analysis showed less pain. Sixty were randomly assigned.", "rct"),
        ("This is a secondary analysis of a trial in which sixty were randomly assigned.", None),
        ("A randomization table was used to order the two splints in ten climbers.", "rct"),
    ],
)
def test_a_trial_with_a_further_analysis_stays_a_trial(abstract: str, design: str | None) -> None:
    """A report that is nothing but a further analysis of one does not."""
    assert (design_of("Splints for people", abstract)[0] == "rct") is (design == "rct")


def test_subject_headings_vote_like_types() -> None:
    """Where no words name a design."""
    source = Source(url="u", site="s", fetched=datetime(2026, 1, 1, tzinfo=UTC), engine="pubmed")
    found = Study(source=source, title="Grip of climbers", mesh=("Case-Control Studies",))
    assert read(found).design == "case_control"


@pytest.mark.shared
def test_designs_of_real_records_without_their_types(shared: Path) -> None:
    """Trials, reviews and cases are told by title, abstract, journal and length.

    The signs were learnt on these records: rules alone are measured here, and that the signs
    were learnt; how they do on others is what `training/train_designs.py --check` prints.
    """
    from training import train_designs

    folder = shared / "literature"
    scorer = train_designs.loaded(folder / "score_designs.py")
    text = (folder / "medline/pubmed_sample_88.txt").read_text(encoding="utf-8", errors="replace")
    records = {record["PMID"][0]: record for record in scorer.parse(text)}
    told = {}
    for pmid, record in records.items():
        title, abstract = train_designs.first(record, "TI"), " ".join(record.get("AB", []))
        pages = page_count(train_designs.first(record, "PG"))
        journal = train_designs.first(record, "TA")
        design, _ = design_of(title, abstract, journal=journal, pages=pages)
        told[pmid] = train_designs.ours(design, scorer.DESIGNS)
    score = scorer.score(records.values(), told)["per_class"]
    assert score["rct"]["f1"] >= 0.93
    assert score["sr"]["f1"] >= 0.95
    assert score["case_report"]["f1"] >= 0.75
    assert score["review"]["f1"] >= 0.7
