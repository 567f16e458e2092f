"""From themes to questions, from look-ups to `none found`, from records to evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crawler.corpus import Corpus
from crawler.database import open_database
from crawler.documents import Source, Study
from crawler.lookups import Lookup, Lookups
from miner import pipeline
from miner.grades import of_themes
from miner.judgements import decided
from miner.knowledge import Knowledge
from miner.library import LITERAL, link, load, with_collected
from miner.model import Claim, Decision, Evidence, Quote, Tally, Theme
from miner.pipeline import Options, mine, unchanged
from miner.searches import searches
from miner.subjects import names_of, subjects, terms
from miner.topics import association, conditions_of, phrases, topics

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def bag(texts: Sequence[str]) -> Any:
    """Unit rows over words: texts without a common word are not alike."""
    import numpy as np

    words = sorted({word for text in texts for word in text.split()})
    rows = np.zeros((len(texts), len(words) or 1), dtype=np.float32)
    for row, text in enumerate(texts):
        for word in text.split():
            rows[row, words.index(word)] = 1
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def claim(phrase: str, author: str, kind: Any = "remedy") -> Claim:
    quote = Quote(document="d", part=author, start=0, text=phrase)
    return Claim(kind=kind, phrase=phrase, phrase_start=0, quote=quote, author=author)


def theme(
    name: str, said: Sequence[Claim] = (), authors: int = 4, kind: Any = "remedy", **more: Any
) -> Theme:
    fields: dict[str, Any] = {"conditions": ("tennis-elbow",), **more}
    return Theme(
        id=f"t-{name}",
        kind=kind,
        name=name,
        claims=tuple(c.id for c in said),
        tally=Tally(helped=authors),
        **fields,
    )


def study(title: str, abstract: str = "", **more: Any) -> Study:
    url = more.pop("url", f"https://x.example/{title[:9]}")
    source = Source(url=url, site="literature", fetched=NOW, engine="pubmed")
    return Study(**{"source": source, "title": title, "abstract": abstract, "year": 2018, **more})


# --- what is looked for -----------------------------------------------------------------------


def test_only_words_that_several_people_share_leave_the_machine() -> None:
    """A phrase of one person is not sent, and neither is a theme of one person."""
    said = [claim("my uncle's putty trick", "a"), claim("therapy putty", "b")]
    said += [claim("therapy putty", "c")]
    (wanted,) = subjects([theme("putty", said), theme("wax", authors=1)], said)
    assert wanted.words == ("putty", "therapy putty")
    assert wanted.subject == "t-putty"
    assert wanted.condition_words == names_of("tennis-elbow")


def test_a_theme_that_is_named_is_looked_for_whoever_spoke_of_it() -> None:
    """By id or by a part of its name."""
    few = theme("wax bath", authors=1)
    assert [w.subject for w in subjects([few], [], theme="wax")] == [few.id]
    assert [w.subject for w in subjects([few], [], theme=few.id)] == [few.id]
    assert list(subjects([few], [], theme="putty")) == []


def test_what_studies_cannot_answer_is_not_looked_for() -> None:
    """Diagnoses, and themes of no known condition."""
    asked = [theme("x", kind="diagnosis"), theme("y", conditions=()), theme("z", conditions=("?",))]
    assert list(subjects(asked, [])) == []
    both = theme("y", conditions=("tennis-elbow", "achilles"))
    assert [w.condition for w in subjects([both], [], condition="tennis-elbow")] == ["tennis-elbow"]


@pytest.mark.parametrize(
    ("phrase", "term"),
    [
        ("cortisone shot", "corticosteroid injection"),
        ("went to a physio", "physiotherapy"),
        ("icing", "cryotherapy"),
        ("rolling on a foam roller", "self-myofascial release"),
    ],
)
def test_members_words_are_asked_for_as_studies_have_them(phrase: str, term: str) -> None:
    """The member's own words first."""
    assert term in terms([phrase])


def test_a_passing_word_brings_no_terms() -> None:
    """Running in spite of pain is no question on running."""
    assert "runners" not in terms(["keep running through mild pain"])


@pytest.mark.parametrize("id_", ["tennis-elbow", "achilles", "hip-flexor"])
def test_a_condition_has_names_that_papers_use(id_: str) -> None:
    """None in somebody's own words."""
    names = names_of(id_)
    assert 2 <= len(names) <= 12
    assert not any("my" in name.split() for name in names)


# --- what was searched ------------------------------------------------------------------------


def lookup(service: str = "europepmc", rung: str = "studies", **more: Any) -> Lookup:
    fields: dict[str, Any] = {"subject": "t-putty", "condition": "tennis-elbow", "hits": 0, **more}
    return Lookup(service=service, rung=rung, query=f"{service} {rung}", made=NOW, **fields)


def grades(*lookups: Lookup) -> dict[str | None, Any]:
    found = searches(lookups, [theme("putty")])
    graded = of_themes([theme("putty")], [], found.made, found.failed)
    return {grade.condition: grade for grade in graded}


def test_none_found_says_query_service_date_and_hits() -> None:
    """For the condition, and for all of the theme once every condition was searched."""
    for grade in grades(lookup(), lookup("pubmed", hits=2)).values():
        assert grade.status == "no_evidence"
        assert grade.searched.service == "europepmc, pubmed"
        assert (grade.searched.query, grade.searched.hits) == ("pubmed studies", 2)
        assert grade.searched.when == NOW


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ([lookup(failure="answered with 500", hits=None)], "europepmc: answered with 500"),
        ([lookup(), lookup("pubmed", failure="no answer")], "pubmed: no answer"),
        ([lookup(rung="reviews")], "the search was interrupted"),
    ],
)
def test_a_search_without_an_answer_is_not_searched_with_the_reason(
    made: list[Lookup], why: str
) -> None:
    """Never `none found`: a service failed, or only some of the questions were asked."""
    for grade in grades(*made).values():
        assert (grade.status, grade.searched) == ("not_searched", None)
        assert grade.unanswered == why
        assert "search_failed" in grade.reasons


def test_all_of_a_theme_is_searched_once_each_condition_is() -> None:
    """One of two is not enough."""
    two = theme("putty", conditions=("tennis-elbow", "achilles"))
    some = searches([lookup()], [two]).made
    assert set(some) == {("t-putty", "tennis-elbow")}
    every = searches([lookup(hits=3), lookup(condition="achilles", hits=4)], [two]).made
    assert every["t-putty", None].hits == 7


# --- what a record is about -------------------------------------------------------------------


def test_phrases_of_a_title_name_what_was_tested() -> None:
    """No words of method, no condition, nothing across a small word."""
    found = phrases("Effectiveness of heavy putty squeezing for tennis elbow: a randomised trial")
    assert found[0] == "heavy putty squeezing"
    assert not {"tennis elbow", "randomised trial", "effectiveness"} & set(found)


def test_what_a_remedy_was_measured_against_is_kept_apart() -> None:
    """The finding is not on the other remedy."""
    first, other = topics(study("Putty versus wax baths for tennis elbow: a trial"))
    assert (first.phrases, first.is_against) == (("putty",), False)
    assert (other.phrases[0], other.is_against) == ("wax bath", True)


def test_a_title_that_asks_for_causes_answers_for_causes() -> None:
    """Beside what it may say of a remedy."""
    questions = [t.question for t in topics(study("Bell ringing as a risk factor for elbow pain"))]
    assert "cause" in questions
    assert "cause" not in [t.question for t in topics(study("Putty for elbow pain"))]


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        ("Long hours were associated with more elbow pain.", "supports"),
        ("Hours were not associated with pain.", "no_effect"),
        ("Grip breaks were protective.", "contradicts"),
        ("Hours predicted pain. Grip did not predict pain.", "mixed"),
        ("We measured hours.", "unclear"),
    ],
)
def test_a_study_of_causes_says_whether_there_is_a_link(text: str, direction: str) -> None:
    """Its own rules: more pain is for a cause what less pain is for a remedy."""
    assert association(text)[0] == direction


def test_the_title_goes_before_headings_and_text() -> None:
    """Whom a study is about."""
    assert conditions_of(study("Putty for tennis elbow", "Like plantar fasciitis, it hurts.")) == (
        "tennis-elbow",
    )
    assert conditions_of(study("Putty", mesh=("Tennis Elbow",))) == ("tennis-elbow",)
    assert conditions_of(study("Putty")) == ()


# --- from records to evidence -----------------------------------------------------------------

TRIAL = study(
    "Putty squeezing for tennis elbow: a randomised controlled trial",
    "Sixty patients were randomised to putty or none. Conclusion: putty reduced pain.",
    doi="10.5555/putty",
    registry=("NCT01234567",),
)


def linked(*studies: Study, to: Theme | None = None) -> list[Evidence]:
    """Evidence of collected studies alone."""
    said = [claim("putty squeezing", a) for a in "abc"]
    at = to or theme("putty squeezing", said)
    return link(with_collected((), studies), [at], said, bag, lambda _: None)


def test_a_collected_trial_becomes_evidence_with_its_reasons() -> None:
    """Design, people, direction, condition, likeness; it is about this very condition."""
    (item,) = linked(TRIAL)
    assert (item.design, item.n, item.direction) == ("rct", 60, "supports")
    assert item.condition == "tennis-elbow"
    assert item.study == "nct01234567 10.5555/putty"
    told = " ".join(item.reasons)
    for word in ("about putty squeezing", "likeness 1.00", "design:", "direction"):
        assert word in told


def test_no_link_is_made_below_the_bar() -> None:
    """A study of something else is no evidence, whatever words of method it shares."""
    assert 0.72 <= LITERAL < 1
    assert linked(study("Singing for tennis elbow: a randomised controlled trial")) == []


def test_two_papers_of_one_trial_count_once() -> None:
    """They share the number of the trial."""
    later = study(
        "Putty squeezing for tennis elbow: two-year results of a randomised trial",
        "Sixty patients were randomised. Conclusion: putty reduced pain.",
        doi="10.5555/later",
        registry=("NCT01234567",),
        url="https://x.example/later",
    )
    at = theme("putty squeezing")
    for order in ((TRIAL, later), (later, TRIAL)):
        found = linked(*order, to=at)
        assert len(found) == 2
        (grade, *_) = of_themes([at], found)
        assert (grade.level, grade.status) == (2, "supported")
        assert len(grade.best) == 1


@pytest.mark.parametrize(
    ("more", "status", "level"),
    [
        ({"retracted": True}, "retracted_only", None),
        ({"preprint": True}, "supported", 3),
        (
            {"design": "registry_entry", "abstract": "", "title": "Putty squeezing, tennis elbow"},
            None,
            None,
        ),
    ],
)
def test_what_is_retracted_early_or_only_planned_is_marked(
    more: Any, status: str | None, level: int | None
) -> None:
    """A retracted paper is excluded, a preprint costs a step, a plan has no results yet."""
    at = theme("putty squeezing")
    (grade, *_) = of_themes([at], linked(replace(TRIAL, **more), to=at))
    assert grade.level == level
    if status is None:
        assert "no_results_yet" in grade.reasons
    else:
        assert grade.status == status


def test_what_the_library_checked_of_a_study_stays() -> None:
    """A record of the same study adds nothing but that it was retracted since."""
    known = next(one for one in load() if one.doi)
    again = study("Another wording of it altogether", doi=known.doi, abstract="It did harm.")
    assert with_collected(load(), [again]) == load()
    gone = study("Another wording of it altogether", doi=known.doi, retracted=True)
    changed = set(with_collected(load(), [gone])) - set(load())
    assert changed
    assert all("retracted" in one.flags for one in changed)


def decision(action: Any, target: str, **value: Any) -> Decision:
    return Decision(action=action, target=target, value=value, who="me", when=NOW, why="I read it")


def test_a_link_that_a_person_rejected_is_gone() -> None:
    """By the id of the evidence, on every run."""
    found = linked(TRIAL)
    assert decided(found, [decision("reject", found[0].id)]) == []
    assert decided(found, [decision("reject", "another")]) == found


def test_a_person_overrules_design_direction_and_risk_of_bias() -> None:
    """The grade knows that a person judged; the reasons say who and why."""
    (item,) = linked(TRIAL)
    says = decision("overrule", item.id, design="cohort", direction="no_effect", high_rob=True)
    (changed,) = decided([item], [says])
    assert (changed.design, changed.direction) == ("cohort", "no_effect")
    assert {"high_rob", "human_reviewed"} <= set(changed.flags)
    assert changed.reasons[-1] == "overruled by me: I read it"
    assert changed.id == item.id
    back = decision("overrule", item.id, high_rob=False)
    assert "high_rob" not in decided([item], [says, back])[0].flags


@pytest.mark.parametrize("value", [{}, {"design": "magic"}, {"direction": 3, "high_rob": "yes"}])
def test_what_has_no_meaning_overrules_nothing(value: dict[str, Any]) -> None:
    """The evidence stays as it was read."""
    found = linked(TRIAL)
    assert decided(found, [decision("overrule", found[0].id, **value)]) == found


def test_a_run_takes_in_what_was_looked_up(tmp_path: Path, monkeypatch: Any) -> None:
    """Studies and searches are part of what a run depends on."""

    class Nothing:
        version = "none"

        def extract(self, document: object) -> list[Claim]:
            return []

    monkeypatch.setattr(pipeline.engines, "load", lambda *_: Nothing())
    engine = open_database(str(tmp_path / "p.db"))
    corpus, knowledge, options = Corpus(engine), Knowledge(engine), Options(embedder="tfidf")
    mine(corpus, knowledge, options, lambda *_: None)
    assert unchanged(corpus, knowledge, options)
    Lookups(engine).keep(lookup())
    assert not unchanged(corpus, knowledge, options)
    corpus.add(TRIAL)
    run = mine(corpus, knowledge, options, lambda *_: None)
    assert run.failures == {}


def _on(one: Study, *names: str) -> list[Evidence]:
    """Evidence of one collected study on themes of these names."""
    themes = [replace(theme(name), id=name) for name in names]
    return link(with_collected((), [one]), themes, [], bag, lambda _: None)


def test_an_abstract_speaks_where_the_title_names_no_theme() -> None:
    """By the very term alone, with a lower likeness; what it was better than is not linked."""
    silent = study(
        "Less pain in sculling wrists after eight weeks",
        abstract="We aimed to assess dry needling against acupuncture. Pain was common before. "
        "Conclusions: Dry needling reduced pain more than acupuncture.",
    )
    found = _on(silent, "dry needling", "acupuncture")
    assert {(e.theme, e.reasons[1]) for e in found} == {("dry needling", "likeness 0.85")}
    titled = replace(silent, title="Acupuncture for sculling wrists")
    found = _on(titled, "dry needling", "acupuncture")
    assert {e.theme for e in found} == {"acupuncture"}


@pytest.mark.parametrize(
    "abstract",
    [
        "Conclusions: Pain fell, and none needed dry needling.",
        "Conclusions: Pain fell. Dry needling is commonly used for such wrists.",
        "Dry needling is popular. Conclusions: Pain fell with rest of the hand.",
    ],
)
def test_what_an_abstract_only_names_is_no_link(abstract: str) -> None:
    """Not what nobody had, what others do, or what the background tells."""
    silent = study("Less pain in sculling wrists after eight weeks", abstract=abstract)
    assert _on(silent, "dry needling") == []


def test_a_sport_in_a_title_is_no_remedy() -> None:
    """`Running injuries` are not treated by running."""
    assert _on(study("A survey of running injuries"), "running") == []
