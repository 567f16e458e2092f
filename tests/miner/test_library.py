"""The starter library and its links to themes."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from miner.errors import MinerError
from miner.grades import grade, level_of, main_question, of_themes
from miner.library import About, LibraryStudy, by_identifier, link, load
from miner.model import Claim, Evidence, Quote, Theme

LINKS = Path(__file__).parent / "links.tsv"


def bag(texts: Sequence[str]) -> NDArray[np.float32]:
    """Unit rows over words: equal texts are alike, texts without a common word are not."""
    words = sorted({word for text in texts for word in text.split()})
    rows = np.zeros((len(texts), len(words) or 1), dtype=np.float32)
    for row, text in enumerate(texts):
        for word in text.split():
            rows[row, words.index(word)] = 1
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.maximum(lengths, 1e-9)


def theme(
    name: str, kind: str = "remedy", phrases: Sequence[str] = ()
) -> tuple[Theme, list[Claim]]:
    """A theme with a claim for each phrase."""
    claims = [
        Claim(
            kind=kind,  # type: ignore[arg-type]
            phrase=p,
            phrase_start=0,
            quote=Quote(document="d", part=str(i), start=0, text=p),
        )
        for i, p in enumerate(phrases)
    ]
    return Theme(id=name, kind=kind, name=name, claims=tuple(c.id for c in claims)), claims  # type: ignore[arg-type]


def nowhere(text: str) -> str | None:
    """A matcher that knows no condition."""
    return None


def test_every_study_has_a_finding_a_citation_and_something_it_is_about() -> None:
    """The file is whole, and no finding is a long quotation."""
    studies = load()
    assert len(studies) >= 59
    assert len({s.id for s in studies}) == len(studies)
    for study in studies:
        assert study.about, study.id
        assert study.finding, study.id
        assert study.citation, study.id
        assert not set('"“”') & set(study.finding), study.id


def test_every_study_but_a_protocol_carries_a_level_for_its_question() -> None:
    """Designs and questions of the library are rows and columns of the table."""
    for study in load():
        for about in study.about:
            t, _ = theme(
                about.topic, "remedy" if about.question in ("benefit", "prevention") else "cause"
            )
            for item in link([study], [t], [], bag, nowhere):
                level = level_of(item, item.question)
                assert (level is None) == (study.design == "protocol"), study.id


def test_two_reports_of_one_trial_share_an_identity() -> None:
    """A registry number joins them whatever their papers are called."""
    ids = by_identifier(load())
    joined = [s for s in load() if s.registry == "NCT03909178"]
    assert len(joined) == 2
    assert ids["nct03909178"] == tuple(joined)


def test_study_is_linked_to_its_topic_and_nothing_else() -> None:
    """Likeness decides; kinds that a question cannot be about are never linked."""
    needles, claims = theme("dry needling", phrases=["dry needling", "needles"])
    same_word_as_cause, _ = theme("dry needling cause", "cause")
    beer, _ = theme("beer")
    found = link(load(), [needles, beer, same_word_as_cause], claims, bag, nowhere)
    assert {e.theme for e in found} == {"dry needling"}
    assert all("likeness" in e.reasons[-1] for e in found)


def test_condition_is_matched_or_unlisted() -> None:
    """A study on no known condition proves nothing for one, and counts over all."""
    needles, _ = theme("dry needling")
    hip = link(load(), [needles], [], bag, lambda text: "hip" if "hip" in text else None)
    assert {e.condition for e in hip} == {"hip", "unlisted"}
    graded = {g.condition: g.level for g in of_themes([needles], hip)}
    assert graded[None] == graded["hip"]
    assert "unlisted" not in graded


def about(topic: str, condition: str = "knees", **rest: Any) -> LibraryStudy:
    """A made-up trial on one topic."""
    some = About(
        **{"topic": topic, "also": (), "condition": condition, "question": "benefit"} | rest
    )
    return LibraryStudy(
        id="s", citation="S", design="rct", direction="supports", finding="f", about=(some,)
    )


def test_study_of_several_conditions_counts_directly_for_each_and_once_over_all() -> None:
    """Named one by one, or parted by strokes; where it is direct it is not also related."""
    t = Theme(id="t", kind="remedy", name="cupping", claims=(), conditions=("knee", "hip"))
    known = {"sore knees": "knee", "hip pain": "hip", "knees": "knee", "hips": "hip"}
    named = about("cupping", "legs", conditions=("sore knees", "hip pain"))
    for study in (named, about("cupping", "knees/hips/toes")):
        items = link([study], [t], [], bag, known.get)
        assert {item.condition for item in items} == {"knee", "hip"}
        assert len({item.study for item in items}) == 1
        for found in of_themes([t], items):
            assert (found.level, len(found.best)) == (2, 1)
            assert "related_condition_listed" not in found.reasons


def test_indirectness_comes_from_the_condition_not_from_the_study() -> None:
    """No study of the library is indirect by itself; it is so for who has something else."""
    assert not [s.id for s in load() if "indirect_condition" in s.flags]
    t = Theme(id="t", kind="remedy", name="cupping", claims=(), conditions=("knee", "hip"))
    items = link([about("cupping")], [t], [], bag, {"knees": "knee"}.get)
    levels = {g.condition: g.level for g in of_themes([t], items)}
    assert levels == {None: 2, "knee": 2, "hip": None}


def test_study_on_causes_is_linked_to_causes_and_triggers_and_no_diagnosis() -> None:
    """A diagnosis is what somebody has, not what somebody blames."""
    study = about("torn plica", question="cause")
    themes = [theme("torn plica", kind)[0] for kind in ("cause", "trigger", "diagnosis", "remedy")]
    themes = [replace(t, id=t.kind) for t in themes]
    assert {e.theme for e in link([study], themes, [], bag, nowhere)} == {"cause", "trigger"}


def test_bare_word_that_is_part_of_a_topic_is_not_the_topic() -> None:
    """`Kite` alone is not a kite lesson; `kiting`, a name of the topic, is."""
    study = about("kite lesson", also=("kiting",))
    for name, linked in (("kite", False), ("kiting", True), ("kite lesson", True)):
        t, claims = theme(name, phrases=["my own sofa"] if not linked else [])
        assert bool(link([study], [t], claims, bag, nowhere, least=0.7)) == linked
    alone, _ = theme("kite")
    assert not link([study], [alone], [], bag, nowhere, least=0.7)


def test_words_for_body_parts_alone_make_no_likeness() -> None:
    """Juggling for the hip flexor and taping the hip flexor share nothing but a place."""
    study = about("hip flexor juggling")
    taped, _ = theme("hip flexor taping")
    juggled, _ = theme("hip juggling")
    found = link([study], [taped, juggled], [], bag, nowhere, least=0.6)
    assert {item.theme for item in found} == {"hip juggling"}


def test_topic_that_several_people_name_is_linked_in_a_theme_of_other_words() -> None:
    """Three claims by two people are enough; three by one, or two, are not."""
    study = about("kite lesson")
    for said, authors, linked in ((3, "aab", True), (3, "aaa", False), (2, "ab", False)):
        t, claims = theme("outdoor fun", phrases=["kite lesson"] * said + ["rope", "sail", "mud"])
        speakers = [*authors, *"xyz"]
        claims = [replace(c, author=a) for c, a in zip(claims, speakers, strict=True)]
        assert bool(link([study], [t], claims, bag, nowhere)) == linked


def test_study_speaks_once_of_a_theme_however_many_topics_reach_it() -> None:
    """Two topics of one study are no two pieces of evidence."""
    study = next(s for s in load() if len(s.about) > 1)
    broad, claims = theme("hip strengthening", phrases=[a.topic for a in study.about])
    found = link([study], [broad], claims, bag, nowhere, least=0.1)
    assert len(found) == len({e.id for e in found}) > 0


def test_no_link_below_the_least_likeness() -> None:
    """The threshold is a bar, not a hint."""
    needles, _ = theme("dry needling")
    assert link(load(), [needles], [], bag, nowhere, least=1.01) == []


def test_bad_line_is_named(tmp_path: Path) -> None:
    """A broken library says which line, and what to do."""
    path = tmp_path / "mine.jsonl"
    path.write_text('{"id": "a"}\n', "utf-8")
    with pytest.raises(MinerError, match=r"library line 1 is no study .* correct or remove it"):
        load(path)


def test_links_by_meaning_hold_on_the_table_of_pairs() -> None:
    """Precision and recall of at least 0.85 with the shipped model, over all topics."""
    from miner.embed import DEFAULT
    from miner.embed import load as load_encoder

    rows = list(csv.DictReader(LINKS.open(encoding="utf-8"), delimiter="\t"))
    themes, claims = [], []
    for place, row in enumerate(rows):
        phrases = row["phrases"].split("|")
        t, c = theme(phrases[0], row["kind"], phrases)
        c = [Claim(kind=x.kind, phrase=x.phrase, phrase_start=place, quote=x.quote) for x in c]
        themes.append(Theme(id=str(place), kind=t.kind, name=t.name, claims=tuple(x.id for x in c)))
        claims += c
    found = link(load(), themes, claims, load_encoder(DEFAULT).encode, nowhere)
    linked = {
        (e.theme, e.reasons[0].removeprefix("about ").rsplit(", in ", 1)[0].split(", in ")[0])
        for e in found
    }
    right = wrong = missed = 0
    for place, row in enumerate(rows):
        want = set(filter(None, (row["linked"] or "").split("|")))
        either = set(filter(None, (row["either"] or "").split("|")))
        got = {topic for t, topic in linked if t == str(place)}
        right, missed = right + len(got & want), missed + len(want - got)
        wrong += len(got - want - either)
    assert right / (right + wrong) >= 0.85
    assert right / (right + missed) >= 0.85


KINDS = {"benefit": "remedy", "prevention": "remedy", "cause": "cause", "harm": "cause"}


@pytest.mark.shared
def test_linked_themes_come_out_at_the_level_and_status_of_their_studies(shared: Path) -> None:
    """Each topic of the study facts as a theme: linked by meaning, it grades as its own studies do.

    Two topics are so near to others ("stretching" and "stretching alone") that they share studies.
    """
    from miner.conditions import match
    from miner.embed import load as load_encoder

    lines = (shared / "evidence" / "studies.jsonl").read_text("utf-8").splitlines()
    own: dict[str, list[Evidence]] = {}
    for raw in map(json.loads, lines):
        for about in raw["about"]:
            if kind := KINDS.get(about["question"]):
                piece = Evidence(
                    theme="",
                    source_type="study",
                    direction=raw["direction"],
                    quote=None,
                    design=raw["design"],
                    n=raw["n"],
                    flags=tuple(f for f in raw["flags"] if f != "indirect_condition"),
                    question=about["question"],
                    study=raw["doi"] or raw["pmid"] or raw["id"],
                )
                own.setdefault(f"{kind}|{about['topic']}", []).append(piece)
    themes = [
        replace(theme(key.partition("|")[2], key.partition("|")[0])[0], id=key) for key in own
    ]
    found = link(load(), themes, [], load_encoder().encode, match)
    graded = {g.theme: g for g in of_themes(themes, found) if g.condition is None}
    same = [
        (graded[one.id].level, graded[one.id].status) == (alone.level, alone.status)
        for one in themes
        for alone in [grade(one.id, None, own[one.id], main_question(one))]
    ]
    assert len(same) >= 33
    assert same.count(False) <= 2
