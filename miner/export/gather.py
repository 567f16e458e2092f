"""Reads both stores into a `Package`, under a person's choice of themes and of quotes.

This module and `reading` are the only ones of this package that read anything.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files

from crawler.corpus import Corpus, SiteCounts
from crawler.documents import Document, Study, part_text
from crawler.freshness import Freshness, freshness
from crawler.frontier import Frontier
from miner.current import Current
from miner.errors import MinerError
from miner.export import words
from miner.export.package import (
    About,
    Again,
    Asked,
    Datasheet,
    Package,
    Quotes,
    Site,
    Work,
)
from miner.export.reading import Reading, each
from miner.inquiries import inquiries
from miner.knowledge import Knowledge, Run
from miner.model import Claim, Evidence, Grade, Tally, Theme

__all__ = ["NoSuchTheme", "Wanted", "corpus_texts", "each", "gather"]

REMOVED = (
    "Names of members became keyed pseudonyms before anything was stored; the key is not part of "
    "this export, and nobody is followed from site to site.",
    "Names, e-mail addresses and telephone numbers inside texts were masked. Masking is good, not "
    "perfect.",
    "Avatars, profiles, signatures and private areas were not collected; quoted words of others "
    "count for nobody.",
    "What its author or the site deleted, and what was forgotten on request, is not here.",
)
POLICY: Mapping[Quotes, str] = {
    "none": "Members' words and the addresses, numbers and days of their posts were left out.",
    "short": "Of members' words at most five in a row were kept, and of their posts no address, "
    "number or day.",
    "full": "Members' words are here as they stand at their source: a search engine finds them, "
    "and so their authors. Do not publish them as they are.",
}


class NoSuchTheme(MinerError):
    """No theme of that id."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a person chose to export."""

    themes: Sequence[str] = ()
    """Ids, old ones too; all without."""
    quotes: Quotes = "short"
    project: str = ""
    program: str = "Folkgrade"
    lets: Callable[[Claim], bool] | None = None
    """Which claims are kept; all without."""
    takes: Callable[[Evidence], bool] | None = None
    """Which sources are kept; all without."""
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    """What the kept claims of each theme count, where only some are kept."""
    narrowed: Mapping[str, str] = field(default_factory=dict)
    """What that choice is called, for the export to say."""


def gather(corpus: Corpus, knowledge: Knowledge, wanted: Wanted) -> Package:
    """All that the export may say; raises NothingMined or NoSuchTheme."""
    run = knowledge.concluded()
    themes = tuple(
        replace(theme, tally=wanted.tallies.get(theme.id, theme.tally))
        for theme in _themes(knowledge, wanted)
    )
    ids = {theme.id for theme in themes}
    only = ids if wanted.themes else None
    evidence = tuple(
        _shown(item, wanted)
        for item in knowledge.evidence()
        if item.theme in ids and (wanted.takes is None or wanted.takes(item))
    )
    grades = tuple(grade for grade in knowledge.grades() if grade.theme in ids)
    gaps = tuple(gap for gap in knowledge.gaps() if gap.theme in ids)
    disputes = tuple(some for some in knowledge.contradictions() if some.theme in ids)
    asked = () if wanted.lets else tuple(_asked(knowledge, wanted.quotes, only))
    reading = Reading(corpus, knowledge, wanted.quotes, only, wanted.lets)
    tally = reading.tally()
    counts = {
        "themes": len(themes),
        "claims": tally["claims"],
        "authors": tally["authors"],
        "evidence": len(evidence),
        "grades": len(grades),
        "gaps": len(gaps),
        "contradictions": len(disputes),
        "questions": len(asked),
    }
    return Package(
        about=_about(run, wanted, counts, _decided(knowledge)),
        datasheet=Datasheet(
            sites=_sites(corpus),
            removed=(*REMOVED, POLICY[wanted.quotes]),
            findable=tally["findable"] + sum(words.findable(one.text) for one in asked),
            kept=tally["kept"] + sum(bool(one.text) for one in asked),
        ),
        themes=themes,
        claims=Again(reading.claims),
        passages=Again(reading.passages),
        evidence=evidence,
        works=_works(corpus, evidence, {theme.id: theme.name for theme in themes}),
        grades=grades,
        gaps=gaps,
        contradictions=disputes,
        questions=asked,
        own=bool(run.own),
        overall=_overall(grades),
    )


def corpus_texts(corpus: Corpus) -> Iterator[str]:
    """Every text of the corpus, one after the other."""
    for document in corpus.documents():
        yield document.title
        for part in _parts(document):
            yield part_text(document, part) or ""


def _parts(document: Document) -> Iterator[str]:
    posts = getattr(document, "posts", None)
    yield from ("text",) if posts is None else (post.id for post in posts)


def _themes(knowledge: Knowledge, wanted: Wanted) -> tuple[Theme, ...]:
    """The themes asked for, most authors first."""
    if not wanted.themes:
        return tuple(_named(theme, wanted.quotes) for theme in knowledge.themes())
    found: dict[str, Theme] = {}
    for key in wanted.themes:
        theme = knowledge.theme(key)
        if theme is None:
            raise NoSuchTheme(f"no theme {key!r}: `folkgrade themes --json` says their ids")
        found[theme.id] = _named(theme, wanted.quotes)
    return tuple(sorted(found.values(), key=lambda theme: (-theme.tally.authors, theme.id)))


def _named(theme: Theme, policy: Quotes) -> Theme:
    """The theme, its names short where quotes are: they are phrases of members."""
    if policy == "full":
        return theme
    parts = tuple(replace(part, name=words.few(part.name, "short")) for part in theme.parts)
    return replace(theme, name=words.few(theme.name, "short"), parts=parts)


def _overall(grades: Iterable[Grade]) -> dict[str, Grade]:
    found: dict[str, Grade] = {}
    for grade in grades:
        if grade.condition is None:
            found.setdefault(grade.theme, grade)
    return found


def _asked(knowledge: Knowledge, policy: Quotes, only: set[str] | None) -> Iterator[Asked]:
    """What people ask, under the policy; with themes chosen, what is asked of these."""
    for one in inquiries(knowledge.questions()):
        themes = tuple(key for key in one.themes if only is None or key in only)
        if only is None or themes:
            yield Asked(
                id=one.id,
                text=words.few(" ".join(one.text.split()), policy),
                askers=one.askers,
                answered=one.answered,
                threads=one.threads,
                sites=one.sites,
                themes=themes,
            )


def _decided(knowledge: Knowledge) -> int:
    """Decisions that no run has followed yet; the export shows what they change."""
    return len(knowledge.since().new) if isinstance(knowledge, Current) else 0


def _about(run: Run, wanted: Wanted, counts: Mapping[str, int], decided: int) -> About:
    filters = {
        "themes": ", ".join(wanted.themes) or "all",
        **wanted.narrowed,
        "quotes": wanted.quotes,
    }
    later = {"decisions since the run": str(decided)} if decided else {}
    return About(
        project=wanted.project,
        program=wanted.program,
        run=run.id or 0,
        mined=run.finished,
        settings_hash=run.settings_hash,
        models=dict(sorted(run.models.items())),
        filters=filters | later,
        counts=counts,
    )


def _shown(item: Evidence, wanted: Wanted) -> Evidence:
    """A source with its sentence under the policy; articles and studies are public by address."""
    if item.quote is None or wanted.quotes == "full":
        return item
    if wanted.quotes == "none":
        return replace(item, quote=None, url=item.url or item.quote.document)
    return replace(item, quote=replace(item.quote, text=words.few(item.quote.text, "short")))


# --- the sites ------------------------------------------------------------------------------------


@cache
def _licences() -> dict[str, dict[str, str] | str]:
    return tomllib.loads(files("miner").joinpath("data/licences.toml").read_text("utf-8"))


def _licence(site: SiteCounts) -> str:
    """What is known of the terms of its texts."""
    known = _licences()
    engines, studies = known["engines"], known["studies"]
    assert isinstance(engines, dict)
    assert isinstance(studies, dict)
    said = [str(known["article"])] if site.articles and not site.threads else []
    said += [engines[name] for name in site.engines if name in engines]
    said += [studies[name] for name in site.engines if name in studies]
    if site.site == "import":
        said.append(str(known["import"]))
    return " ".join(dict.fromkeys(said)) or str(known["unknown"])


def _sites(corpus: Corpus) -> tuple[Site, ...]:
    states = {state.site: state for state in freshness(corpus, Frontier(corpus.engine))}
    return tuple(_site(counts, states.get(counts.site)) for counts in corpus.sites())


def _site(counts: SiteCounts, state: Freshness | None) -> Site:
    return Site(
        **{name: getattr(counts, name) for name in _COUNTED},
        off_topic=state.off_topic if state else 0,
        failed=sum(many for _, many in state.failures) if state else 0,
        missing=state.missing if state else 0,
        licence=_licence(counts),
    )


_COUNTED = (
    "site", "engines", "threads", "articles", "studies", "posts", "authors", "first", "last",
    "fetched",
)  # fmt: skip


# --- the studies ----------------------------------------------------------------------------------


def _works(
    corpus: Corpus, evidence: Iterable[Evidence], names: Mapping[str, str]
) -> tuple[Work, ...]:
    """Each study once, in order of its identity."""
    by_study: dict[str, list[Evidence]] = defaultdict(list)
    for item in evidence:
        if item.source_type == "study" and item.title:
            by_study[item.study or item.doi or item.id].append(item)
    return tuple(_work(corpus, key, by_study[key], names) for key in sorted(by_study))


def _work(corpus: Corpus, key: str, items: Sequence[Evidence], names: Mapping[str, str]) -> Work:
    first = items[0]
    place = first.url or (first.quote.document if first.quote else None)
    record = corpus.get(place) if place else None
    about = sorted({names[item.theme] for item in items})
    size = f", {first.n} people" if first.n else ""
    notes = (f"Design: {first.design or 'not known'}{size}.", f"Themes: {', '.join(about)}.")
    found = Work(
        id=key,
        title=first.title,
        year=first.year,
        doi=first.doi,
        pmid=next((n[5:] for n in key.split() if n.startswith("pmid:")), None),
        url=first.url,
        retracted=any("retracted" in item.flags for item in items),
        notes=notes,
    )
    return _recorded(found, record) if isinstance(record, Study) else found


def _recorded(work: Work, record: Study) -> Work:
    """The work with what a literature service says of it."""
    return replace(
        work,
        title=record.title or work.title,
        authors=record.authors,
        journal=record.journal,
        year=record.year or work.year,
        doi=record.doi or work.doi,
        pmid=record.pmid or work.pmid,
        retracted=work.retracted or record.retracted,
    )
