"""Two sides on one theme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from miner.contradictions import article_agreement, find
from miner.model import Claim, Contradiction, Evidence, Quote, Theme


def line(direction: str, document: str, kind: str = "unsupported", start: int = 0) -> Evidence:
    """A sentence of an article."""
    quote = Quote(document=document, part="text", start=start, text="x")
    return Evidence(theme="t", source_type=kind, direction=direction, quote=quote)  # type: ignore[arg-type]


def study(direction: str, name: str, **rest: Any) -> Evidence:
    """A study known by its facts."""
    return Evidence(
        theme="t",
        source_type="study",
        direction=direction,
        quote=None,
        study=name,
        **{"design": "rct", **rest},  # type: ignore[arg-type]
    )


def members(outcomes: str, kind: str = "remedy") -> list[Claim]:
    """An author for each letter: h(elped), n(o effect), w(orse), s(aid), r(ejected)."""
    words = {"h": "helped", "n": "no_effect", "w": "worse"}
    return [
        Claim(
            kind=kind,  # type: ignore[arg-type]
            phrase="x",
            phrase_start=0,
            quote=Quote(document="d", part=str(place), start=0, text="x"),
            author=f"a{place}",
            outcome=words.get(letter, "unknown"),  # type: ignore[arg-type]
            assertion="negated" if letter == "r" else "asserted",
        )
        for place, letter in enumerate(outcomes)
    ]


def found(
    evidence: list[Evidence], claims: Sequence[Claim] = (), kind: str = "remedy"
) -> dict[str, Contradiction]:
    """Contradictions of the one theme by type."""
    theme = Theme(id="t", kind=kind, name="x", claims=tuple(c.id for c in claims))  # type: ignore[arg-type]
    return {c.type: c for c in find([theme], evidence, claims)}


def test_articles_against_each_other_are_found_with_both_sides() -> None:
    """Each side names a sentence of its article."""
    pro, con = line("supports", "a"), line("contradicts", "b")
    pair = found([pro, con])["articles"]
    assert (pair.supporting, pair.opposing) == ((pro.id,), (con.id,))


def test_one_article_that_says_both_contradicts_nobody() -> None:
    """Two sentences of one page are a nuance."""
    lines = [line("supports", "a"), line("contradicts", "a", start=9)]
    assert found(lines) == {}
    assert article_agreement(lines) == "mixed"


def test_article_with_both_sides_disagrees_with_one_that_has_one() -> None:
    """A second page that only supports meets the first one's doubt."""
    lines = [line("supports", "a"), line("contradicts", "a", start=9), line("supports", "b")]
    assert article_agreement(lines) == "contested"
    assert "articles" in found(lines)


def test_articles_on_different_conditions_contradict_nobody() -> None:
    """Rest may be good for a tendon and bad for a back; the same or no condition is needed."""
    pro, con = line("supports", "a"), line("contradicts", "b")
    tendon, back = replace(pro, condition="tendon"), replace(con, condition="back")
    assert found([tendon, back]) == {}
    assert article_agreement([tendon, back]) == "mixed"
    assert "articles" in found([tendon, con])


def test_firmest_sentence_speaks_for_its_article() -> None:
    """A cited study goes before the first unsupported line."""
    plain, cited = line("supports", "a"), line("supports", "a", "study", start=40)
    pair = found([plain, cited, line("contradicts", "b")])["articles"]
    assert pair.supporting == (cited.id,)


def test_promotion_is_no_side() -> None:
    """A shop's praise disagrees with nobody."""
    lines = [line("supports", "a", "commercial"), line("contradicts", "b")]
    assert found(lines) == {}
    assert article_agreement(lines) == "contradicts"


def test_unclear_articles_are_silent() -> None:
    """Naming a thing takes no side."""
    assert article_agreement([line("unclear", "a")]) == "silent"


def test_members_disagree_with_enough_authors_on_both_sides() -> None:
    """Two helped and two not; one dissenter is not enough."""
    assert "members" in found([], members("hhnw"))
    assert "members" not in found([], members("hhhhn"))


def test_members_of_one_mind_against_articles() -> None:
    """Three who were helped meet articles that all deny it, in either order of sides."""
    pair = found([line("contradicts", "a")], members("hhh"))["members_articles"]
    assert len(pair.supporting) == 3
    turned = found([line("supports", "a")], members("nnw"))["members_articles"]
    assert len(turned.opposing) == 3
    assert found([line("contradicts", "a")], members("hhnn")).keys() == {"members"}


def test_blamed_cause_against_studies() -> None:
    """What members blame and studies deny is a contradiction of a cause."""
    pair = found([study("contradicts", "s")], members("sss", "cause"), "cause")["members_studies"]
    assert pair.reason == "3 members for it, 1 study against it"


def test_named_diagnosis_is_contradicted_by_no_study_and_no_article() -> None:
    """To have a torn labrum is not to say that it hurts."""
    sources = [study("contradicts", "s"), line("contradicts", "a")]
    assert found(sources, members("sss", "cause"), "cause").keys() == {
        "members_studies",
        "members_articles",
    }
    assert found(sources, members("sss", "diagnosis"), "diagnosis") == {}


def test_reason_counts_one_in_the_singular_and_more_in_the_plural() -> None:
    """One study, two studies, one article."""
    two = [study("supports", "s"), study("supports", "t"), study("no_effect", "u")]
    assert found(two)["studies"].reason == "2 studies for it, 1 against it"
    lines = [line("supports", "a"), line("contradicts", "b")]
    assert found(lines)["articles"].reason == "1 article for it, 1 against it"
    turned = found([line("supports", "a")], members("nnw"))["members_articles"]
    assert turned.reason == "1 article for it, 3 members against it"


def test_studies_against_studies_leave_out_retracted_related_and_planned() -> None:
    """Only studies that count take sides, each once."""
    pro, con = study("supports", "a"), study("no_effect", "b")
    assert "studies" in found([pro, con])
    for change in (
        {"flags": ("retracted",)},
        {"flags": ("indirect_condition",)},
        {"design": "protocol"},
    ):
        assert found([pro, study("no_effect", "b", **change)]) == {}


def test_study_of_a_condition_nobody_speaks_of_is_no_side() -> None:
    """Studies take sides on the theme's own conditions."""
    theme = Theme(id="t", kind="remedy", name="x", claims=(), conditions=("knee",))
    items = [study("supports", "a", condition="knee"), study("no_effect", "b", condition="hip")]
    assert find([theme], items, []) == []
    assert find([theme], [items[0], study("no_effect", "b")], []) != []


def test_largest_smaller_side_comes_first() -> None:
    """Ranking goes by the voices on the weaker side."""
    big = members("hhhnnn")
    small = [
        replace(c, quote=Quote(document="e", part=c.quote.part, start=0, text="x"))
        for c in members("hhnn")
    ]
    themes = [
        Theme(id=name, kind="remedy", name=name, claims=tuple(c.id for c in claims))
        for name, claims in (("small", small), ("big", big))
    ]
    assert [c.theme for c in find(themes, [], [*big, *small])] == ["big", "small"]
