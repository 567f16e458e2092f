"""The grade of a theme, held to docs/grading.md."""

from __future__ import annotations

import json
import re
import runpy
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miner.grades import grade, level_of, of_themes
from miner.model import Evidence, Quote, Search, Theme

HERE = Path(__file__).parent
BENCH = runpy.run_path(str(HERE.parents[1] / "benchmarks" / "grades.py"))
VECTORS = json.loads((HERE / "grade_vectors.json").read_text("utf-8"))


def study(
    design: str = "rct", direction: str = "supports", n: int | None = 500, **rest: Any
) -> Evidence:
    """A study of nobody in particular."""
    kind = design if design in ("expert", "mechanism") else "study"
    base = {"theme": "t", "source_type": kind, "quote": None, "design": design, "n": n}
    return Evidence(**{**base, "direction": direction, **rest})  # type: ignore[arg-type]


def said(kind: str, direction: str = "supports", document: str = "a") -> Evidence:
    """A sentence of an article."""
    quote = Quote(document=document, part="text", start=0, text="It helps.")
    return study(direction=direction, n=None, source_type=kind, quote=quote, design=None)


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_worked_case_comes_out_as_expected(case: dict[str, Any]) -> None:
    """Level, status and certainty of each worked case are the ones stated with it."""
    result = BENCH["result_of"](case)
    assert {key: result[key] for key in case["expect"]} == case["expect"]


def test_two_steps_down_at_most() -> None:
    """Three flags cost two steps."""
    flags = ("high_rob", "surrogate", "preprint")
    assert level_of(study("sr_rct", flags=flags), "benefit") == 3


def test_no_step_goes_below_five() -> None:
    """A flagged case series is level 5, not 6."""
    flags = ("high_rob", "surrogate")
    assert level_of(study("case_series", flags=flags), "benefit") == 5


def test_small_trial_costs_a_step_and_small_series_does_not() -> None:
    """Fewer than 50 people count against trials alone, whether flagged or counted."""
    assert level_of(study("rct", n=49), "benefit") == 3
    assert level_of(study("rct", n=50), "benefit") == 2
    assert level_of(study("rct", n=49, flags=("small_n",)), "benefit") == 3
    assert level_of(study("nrct", n=20), "benefit") == 4
    assert level_of(study("case_series", n=9, flags=("small_n",)), "benefit") == 4


@pytest.mark.parametrize(
    ("design", "question", "level"),
    [
        ("sr_cohort", "cause", 2),
        ("sr_cohort", "benefit", None),
        ("rct", "prognosis", 3),
        ("sr_obs", "prognosis", None),
        ("inception_cohort", "prognosis", 2),
        ("cross_sectional", "diagnosis", 3),
        ("case_control", "diagnosis", 4),
        ("diag_nonconsecutive", "diagnosis", 3),
        ("case_control", "prevalence", 3),
        ("case_series", "prevalence", 4),
        ("nonrandom_sample", "prevalence", 3),
        ("guideline", "diagnosis", 5),
        ("something new", "benefit", 5),
        ("Cross-sectional", "cause", 4),
    ],
)
def test_level_depends_on_design_and_question(
    design: str, question: Any, level: int | None
) -> None:
    """The table is read by question; an unheard-of design is an unknown study."""
    assert level_of(study(design), question) == level


def test_unclear_review_hides_no_trial() -> None:
    """An empty review of level 1 leaves the level to the trial that found something."""
    found = grade("t", None, [study("sr_rct", "unclear", 0), study("rct", "no_effect")])
    assert (found.level, found.status) == (2, "contradicted")
    assert "unclear_set_aside" in found.reasons


def test_only_unclear_is_insufficient_and_very_low() -> None:
    """A level without a direction is worth very little."""
    found = grade("t", None, [study("sr_rct", "unclear", 900, flags=("human_reviewed",))])
    assert (found.level, found.status, found.certainty) == (1, "insufficient", "very_low")


def test_both_sides_at_one_level_are_contested_even_among_experts() -> None:
    """Level 5 for and against is contested; level 5 of one mind is insufficient."""
    both = [said("expert"), said("expert", "contradicts", "b")]
    assert grade("t", None, both).status == "contested"
    assert grade("t", None, both[:1]).status == "insufficient"


def test_one_expert_counts_once_however_often_an_article_says_it() -> None:
    """Three sentences of one expert are no majority one level down."""
    quotes = [Quote(document="a", part="text", start=s, text="No.") for s in (0, 10, 20)]
    lines = [replace(said("expert", "contradicts"), quote=quote) for quote in quotes]
    found = grade("t", None, [study("case_series"), *lines])
    assert found.status == "supported"
    assert len(found.dissent) == 1


def test_next_tier_turns_only_with_two_and_no_fewer_than_agree() -> None:
    """One dissenter, or fewer than those who agree, leaves the status and is listed."""
    top, yes, no = study("sr_rct"), study("rct"), study("rct", "no_effect")
    assert grade("t", None, [top, no]).status == "supported"
    assert grade("t", None, [top, no, no, yes, yes, yes]).status == "supported"
    turned = grade("t", None, [top, no, no, yes])
    assert turned.status == "contested"
    assert "next_tier_disagrees" in turned.reasons
    assert "lower_dissent" in grade("t", None, [top, study("case_series", "contradicts")]).reasons


def test_dissenters_two_levels_down_turn_nothing() -> None:
    """Only the next level can make a theme contested."""
    series = [study("case_series", "contradicts") for _ in range(4)]
    found = grade("t", None, [study("rct"), *series])
    assert found.status == "supported"


def test_mixed_is_contested() -> None:
    """A mixed finding at the best level is contested and loses a step of certainty."""
    found = grade("t", None, [study("rct", "mixed")])
    assert (found.status, found.certainty) == ("contested", "low")


def test_certainty_loses_a_step_for_few_people_but_not_for_a_review_of_unknown_size() -> None:
    """Under 400 people are few; a review that does not say its number is not punished."""
    assert grade("t", None, [study("rct", n=100)]).certainty == "low"
    assert grade("t", None, [study("rct", n=None)]).certainty == "low"
    assert grade("t", None, [study("rct", n=250), study("rct", n=250)]).certainty == "moderate"
    assert grade("t", None, [study("sr_mixed", n=None)]).certainty == "moderate"


def test_unverified_tier_is_low_at_most() -> None:
    """One verified citation lifts the cap."""
    loose = study("sr_rct", flags=("unverified",))
    assert grade("t", None, [loose]).certainty == "low"
    assert grade("t", None, [loose, study("sr_rct")]).certainty == "moderate"


def test_published_grade_caps_and_high_lifts_the_automatic_cap() -> None:
    """A printed GRADE word is an upper bound; `high` allows high."""
    assert grade("t", None, [study("sr_rct")], published_grade="very low").certainty == "very_low"
    assert grade("t", None, [study("sr_rct")], published_grade="high").certainty == "high"
    assert grade("t", None, [study("rct")], published_grade="high").certainty == "moderate"


def test_published_grade_of_a_lower_study_caps_nothing() -> None:
    """Only the sources that set the level speak for its certainty."""
    found = grade("t", None, [study("sr_rct"), study("rct", flags=("published_very_low",))])
    assert found.certainty == "moderate"


def test_retracted_beside_nothing_is_said_and_beside_an_anecdote_is_not_the_status() -> None:
    """Only retracted means only that."""
    gone = study(flags=("retracted",))
    assert grade("t", None, [gone]).status == "retracted_only"
    assert grade("t", None, [gone, said("anecdote")]).status == "anecdote_only"
    assert "retracted_excluded" in grade("t", None, [gone, study("case_series")]).reasons


def test_protocol_has_no_results_yet() -> None:
    """A protocol neither sets a level nor hides that nothing was found."""
    found = grade("t", None, [study("protocol", "unclear")], searched=True)
    assert (found.status, found.reasons) == ("no_evidence", ("no_results_yet", "none_found"))


def test_related_condition_never_sets_the_level() -> None:
    """It is listed beside a fitting study, and alone means no evidence."""
    other = study("sr_rct", flags=("indirect_condition",))
    alone = grade("t", None, [other])
    assert (alone.status, alone.reasons) == ("no_evidence", ("related_condition_only",))
    assert grade("t", None, [other, study("case_series")]).level == 4


def test_studies_of_other_conditions_alone_are_not_none_found_without_a_search() -> None:
    """Nobody looked: that is said, and told from a search that found them alone."""
    theme = Theme(id="t", kind="remedy", name="x", claims=(), conditions=("hip",))
    items = [study("rct", condition="knee")]
    (over_all, hip, _) = of_themes([theme], items)
    assert {over_all.status, hip.status} == {"not_searched"}
    assert hip.reasons == ("related_condition_only", "not_searched")
    search = Search(query="x", service="s", when=datetime(2026, 1, 1, tzinfo=UTC), hits=0)
    looked = of_themes([theme], items, {("t", "hip"): search})[1]
    assert (looked.status, looked.reasons) == ("no_evidence", ("related_condition_only",))


def test_anecdote_beside_studies_of_other_conditions_names_both() -> None:
    """A page must not say that there is no study while it lists some."""
    found = grade("t", None, [study(flags=("indirect_condition",)), said("anecdote")])
    assert found.reasons == ("related_condition_only", "anecdote_only")


def test_few_people_are_named_only_where_studies_counted_them_and_it_moved_the_certainty() -> None:
    """Experts have no people, level 5 has nothing to lose, and an unsaid number is not a few."""
    assert not _people_reasons([said("expert"), said("mechanism", document="b")])
    assert not _people_reasons([study("case_series", n=9)])
    assert _people_reasons([study("rct", n=100)]) == ["certainty_few_people"]
    assert _people_reasons([study("rct", n=None)]) == ["certainty_people_unknown"]
    assert not _people_reasons([study("rct", n=400)])


def _people_reasons(sources: list[Evidence]) -> list[str]:
    return [r for r in grade("t", None, sources).reasons if "people" in r]


def test_one_trial_in_two_reports_counts_once() -> None:
    """A shared registry number joins two papers, and a third by the DOI of one of them."""
    first = study("rct", "no_effect", 90, study="nct01 10.1/a")
    second = study("rct", "no_effect", 97, study="NCT01")
    third = study("rct", "no_effect", 90, doi="https://doi.org/10.1/A")
    found = grade("t", None, [study("sr_rct"), first, second, third])
    assert found.status == "supported"


def test_record_goes_before_a_sentence_about_the_same_study() -> None:
    """An article that misreads a trial does not change what the trial found."""
    quote = Quote(document="a", part="text", start=0, text="A trial proved it.")
    told = study("unknown_study", "supports", None, doi="10.1/x", quote=quote)
    found = grade("t", None, [told, study("rct", "no_effect", doi="10.1/x")])
    assert (found.level, found.status) == (2, "contradicted")


def test_two_reports_that_disagree_are_one_mixed_study() -> None:
    """One trial cannot be its own opponent at the next level."""
    reports = [study("rct", way, study="nct2") for way in ("supports", "no_effect")]
    assert grade("t", None, reports).status == "contested"


def test_design_that_does_not_answer_is_said() -> None:
    """A review of treatment trials says nothing on how common a thing is."""
    found = grade("t", None, [study("sr_rct")], "prevalence", searched=True)
    assert (found.status, found.reasons[0]) == ("no_evidence", "design_does_not_answer_question")


def test_search_is_carried_with_query_and_date() -> None:
    """None found shows what was looked for, and when."""
    search = Search(query="x", service="s", when=datetime(2026, 1, 1, tzinfo=UTC), hits=0)
    found = grade("t", None, [], searched=search)
    assert (found.status, found.searched) == ("no_evidence", search)


def test_theme_is_graded_over_all_and_by_condition() -> None:
    """Evidence on one condition is only related to another one."""
    theme = Theme(id="t", kind="remedy", name="x", claims=(), conditions=("knee", "hip"))
    items = [study("rct", condition="knee"), study("sr_rct", condition="unlisted")]
    found = {g.condition: (g.level, g.status) for g in of_themes([theme], items)}
    assert found == {
        None: (2, "supported"),
        "knee": (2, "supported"),
        "hip": (None, "not_searched"),
    }


def test_theme_without_conditions_takes_evidence_on_any() -> None:
    """Where members name no condition there is none to be related to."""
    theme = Theme(id="t", kind="remedy", name="x", claims=())
    found = {g.condition: g.level for g in of_themes([theme], [study("rct", condition="knee")])}
    assert found == {None: 2, "knee": 2}


def test_evidence_on_a_cause_does_not_grade_a_remedy() -> None:
    """The theme's kind decides which question its grade answers."""
    theme = Theme(id="t", kind="remedy", name="x", claims=())
    (found,) = of_themes([theme], [study("sr_rct", question="cause")])
    assert found.status == "not_searched"


def test_articles_that_disagree_are_named_beside_the_status() -> None:
    """Two unsupported articles against each other leave the status and add a reason."""
    theme = Theme(id="t", kind="remedy", name="x", claims=())
    lines = [said("unsupported"), said("unsupported", "contradicts", "b")]
    (found,) = of_themes([theme], lines)
    assert found.status == "unsupported_only"
    assert "articles_disagree" in found.reasons


def test_benchmark_writes_a_row_for_every_case(tmp_path: Path, capsys: Any) -> None:
    """The command reads cases and writes name, level, status and certainty."""
    out = tmp_path / "out.json"
    assert BENCH["main"]([str(HERE / "grade_vectors.json"), str(out)]) == 0
    rows = json.loads(out.read_text("utf-8"))
    assert [row["name"] for row in rows] == [case["name"] for case in VECTORS]
    assert f"{len(VECTORS)} of {len(VECTORS)} as expected" in capsys.readouterr().out


@pytest.mark.shared
def test_shared_vectors_come_out_as_expected(shared: Path) -> None:
    """The worked cases beside the checkout, in whatever number they are."""
    for case in json.loads((shared / "evidence" / "vectors.json").read_text("utf-8")):
        result = BENCH["result_of"](case)
        assert {key: result[key] for key in case["expect"]} == case["expect"], case["name"]


# --- properties -------------------------------------------------------------------------------

DESIGNS = ["sr_rct", "rct", "sr_mixed", "cohort", "nrct", "case_series", "case_report", "expert"]
DESIGNS += ["mechanism", "narrative_review", "unknown_study"]
WAYS = ["supports", "no_effect", "contradicts", "mixed", "unclear"]
FLAGS = ["high_rob", "surrogate", "preprint", "unverified", "human_reviewed", "published_low"]
studies = st.builds(
    study,
    st.sampled_from(DESIGNS),
    st.sampled_from(WAYS),
    st.none() | st.integers(1, 2000),
    flags=st.lists(st.sampled_from(FLAGS), max_size=3, unique=True).map(tuple),
    study=st.none() | st.sampled_from(["nct1", "nct2", "10.1/x", "nct1 10.1/x"]),
)
weightless = st.one_of(
    studies.map(lambda s: replace(s, flags=(*s.flags, "retracted"), study=s.study)),
    st.builds(
        said, st.sampled_from(["anecdote", "commercial", "unsupported"]), st.sampled_from(WAYS)
    ),
)


def outputs(sources: list[Evidence]) -> tuple[int | None, str, str | None]:
    """The three outputs of a grade."""
    found = grade("t", None, sources)
    return found.level, found.status, found.certainty


@settings(max_examples=60, deadline=None)
@given(st.lists(studies, min_size=1, max_size=6), weightless)
def test_weightless_source_changes_nothing_beside_a_study(
    sources: list[Evidence], extra: Evidence
) -> None:
    """A retracted, anecdotal, commercial or unsupported source never moves a theme with a study."""
    assert outputs([*sources, extra]) == outputs(sources)


@settings(max_examples=60, deadline=None)
@given(st.lists(studies, max_size=6), st.randoms())
def test_order_of_sources_changes_nothing(sources: list[Evidence], chance: Any) -> None:
    """Every output, reasons included, is the same for every order."""
    shuffled = sources[:]
    chance.shuffle(shuffled)
    assert grade("t", None, shuffled) == grade("t", None, sources)


@pytest.mark.parametrize("designs", list(combinations(DESIGNS, 2)), ids="-".join)
def test_order_of_copies_that_differ_in_design_alone_changes_nothing(
    designs: tuple[str, str],
) -> None:
    """One study reported twice under one registry number."""
    copies = [study(design, n=40, study="nct1") for design in designs]
    assert grade("t", None, copies) == grade("t", None, copies[::-1])


@settings(max_examples=60, deadline=None)
@given(st.lists(studies, min_size=1, max_size=5), st.data())
def test_duplicate_of_an_identified_study_changes_nothing(
    sources: list[Evidence], data: Any
) -> None:
    """The same trial once more is no further voice."""
    named = [replace(s, study=s.study or f"own-{place}") for place, s in enumerate(sources)]
    again = data.draw(st.sampled_from(named))
    assert outputs([*named, again]) == outputs(named)


@settings(max_examples=60, deadline=None)
@given(st.lists(studies, max_size=6))
def test_certainty_goes_with_a_level_and_is_a_word(sources: list[Evidence]) -> None:
    """A level has a certainty, no level has none; nothing but a person or GRADE makes it high."""
    level, _, certainty = outputs(sources)
    assert (level is None) == (certainty is None)
    reviewed = any("human_reviewed" in s.flags for s in sources)
    assert certainty != "high" or reviewed


def test_table_in_the_docs_is_the_table_in_use() -> None:
    """Every level printed in docs/grading.md is the one `level_of` gives."""
    text = (HERE.parents[1] / "docs" / "grading.md").read_text("utf-8")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    header = next(row for row in rows if row[0] == "design")
    questions = [name.split(", ")[0] for name in header[1:]]
    table = [r for r in rows if len(r) == 6 and r is not header and "---" not in r[0]]
    checked = 0
    for first, *cells in table:
        separator = " · " if " · " in first else None
        names = re.split(r" · ", first) if separator else [first]
        for place, group in enumerate(names):
            for design in re.sub(r"\(.*?\)", "", group).split(","):
                for question, cell in zip(questions, cells, strict=True):
                    shown = cell.split(" · ")[place] if " · " in cell else cell.strip()
                    level = level_of(study(design.strip()), question)  # type: ignore[arg-type]
                    assert str(level or "–") == shown, (design, question)
                    checked += 1
    assert checked > 100
