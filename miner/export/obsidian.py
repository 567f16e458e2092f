"""An Obsidian vault: a note a theme, linked to its neighbours, with tags and quotes.

Words of others are escaped mark by mark: no note shows a picture, follows a link or runs a query
that a post brought along.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from miner.counts import FEW, OUTCOMES, shares
from miner.coverage import coverage
from miner.export.package import KINDS, File, Kept, Package
from miner.export.sheet import datasheet, lines_about, text_file
from miner.model import Evidence, SubTheme, Theme

__all__ = ["escaped", "files"]

MOST_QUOTES = 20
"""Quotes in a note, the most typical first; the note says how many there are."""

_MARKS = re.compile(r"[!-/:-@\[-`{-~]")
_UNSAFE = re.compile(r'[\\/:*?"<>|#^\[\]%.\x00-\x1f]+')


@dataclass(frozen=True, kw_only=True)
class _Vault:
    """What notes are made of."""

    package: Package
    titles: Mapping[str, str]
    """Path of the note by theme."""
    quotes: Mapping[str, Sequence[Kept]]
    claims: Mapping[str, int]
    evidence: Mapping[str, Sequence[Evidence]]


def files(package: Package) -> list[File]:
    """`Start.md`, a note for each theme, and the datasheet."""
    vault = _vault(package)
    return [
        text_file("Start.md", "\n".join(_start(vault)) + "\n"),
        *(
            text_file(f"{vault.titles[theme.id]}.md", "\n".join(_note(vault, theme)) + "\n")
            for theme in package.themes
        ),
        text_file("Datasheet.md", datasheet(package)),
    ]


def _vault(package: Package) -> _Vault:
    quotes: dict[str, list[Kept]] = defaultdict(list)
    claims: dict[str, int] = defaultdict(int)
    evidence: dict[str, list[Evidence]] = defaultdict(list)
    for claim in package.claims:
        claims[claim.theme] += 1
        if claim.text and len(quotes[claim.theme]) < MOST_QUOTES:
            quotes[claim.theme].append(claim)
    for item in package.evidence:
        evidence[item.theme].append(item)
    titles = {theme.id: _title(theme) for theme in package.themes}
    return _Vault(package=package, titles=titles, quotes=quotes, claims=claims, evidence=evidence)


def escaped(text: str) -> str:
    """One line that Markdown shows character for character."""
    return _MARKS.sub(r"\\\g<0>", " ".join(text.split()))


def _title(theme: Theme) -> str:
    """Path of the note: kind, then name and id, fit for every file system."""
    name = " ".join(_UNSAFE.sub(" ", theme.name).split())[:60].strip() or "theme"
    return f"{KINDS[theme.kind]}/{name} ({theme.id})"


def _link(vault: _Vault, theme: str) -> str:
    path = vault.titles.get(theme)
    return f"[[{path}|{path.rpartition('/')[2].rpartition(' (')[0]}]]" if path else ""


def _start(vault: _Vault) -> Iterator[str]:
    package = vault.package
    yield f"# {escaped(package.about.project) or 'Folkgrade'}\n"
    yield from (f"- **{name}**: {escaped(said)}" for name, said in lines_about(package))
    for kind, heading in KINDS.items():
        of_kind = [theme for theme in package.themes if theme.kind == kind]
        if of_kind:
            yield f"\n## {heading}\n"
            yield from (f"- {_link(vault, t.id)}: {_people(t)}" for t in of_kind)
    if package.gaps:
        yield "\n## Gaps\n"
        for gap in package.gaps:
            why = escaped("; ".join(gap.reasons))
            yield f"- {gap.score:g} {_link(vault, gap.theme)}: {why}"
    yield from _asked(package)


def _asked(package: Package) -> Iterator[str]:
    if package.asked:
        yield "\n## What people ask\n"
    for one in package.asked:
        yield f"- {escaped(one.text)} ({one.askers} ask, {one.answered} got an answer)"


def _people(theme: Theme | SubTheme) -> str:
    return f"{theme.tally.authors} {'person' if theme.tally.authors == 1 else 'people'}"


def _note(vault: _Vault, theme: Theme) -> Iterator[str]:
    package = vault.package
    yield from _matter(vault, theme)
    yield f"# {escaped(theme.name)}\n"
    covered = coverage(theme, own=package.own).label
    yield f"{_people(theme)} in {theme.tally.threads} threads; {covered}."
    yield from _outcomes(theme)
    yield from _parts(theme)
    yield from _links(vault, theme)
    yield from _evidence(vault.evidence.get(theme.id, ()))
    yield from _quotes(vault.quotes.get(theme.id, ()), vault.claims.get(theme.id, 0))
    yield f"\n---\n{escaped(package.about.caution)} Run {package.about.run}, [[Datasheet]]."


def _matter(vault: _Vault, theme: Theme) -> Iterator[str]:
    """Front matter; JSON is YAML."""
    grade = vault.package.overall.get(theme.id)
    yield "---"
    matter: dict[str, object] = {
        "id": theme.id,
        "kind": theme.kind,
        "aliases": [theme.name],
        "authors": theme.tally.authors,
        "reported": theme.tally.reported,
        "articles": theme.articles,
        "level": grade.level if grade else None,
        "status": grade.status if grade else "not_searched",
        "certainty": grade.certainty if grade else None,
        "run": vault.package.about.run,
        "tags": [theme.kind, *(f"condition/{name}" for name in theme.conditions)],
    }
    yield from (f"{name}: {json.dumps(value)}" for name, value in matter.items())
    yield "---"


def _outcomes(theme: Theme) -> Iterator[str]:
    found = shares(theme.tally)
    if not found:
        return
    yield "\n## What came of it\n"
    for outcome in OUTCOMES:
        share = found[outcome]
        span = f" ({100 * share.low:.0f}–{100 * share.high:.0f} %)" if share.n >= FEW else ""
        yield f"- {outcome.replace('_', ' ')}: {share.label}{span}"


def _parts(theme: Theme) -> Iterator[str]:
    if theme.parts:
        yield "\n## Within\n"
    for part in theme.parts:
        yield f"- {escaped(part.name)}: {_people(part)}"


def _links(vault: _Vault, theme: Theme) -> Iterator[str]:
    near = [link for key in theme.related if (link := _link(vault, key))]
    if near:
        yield "\n## Near\n"
    yield from (f"- {link}" for link in near)


def _evidence(items: Sequence[Evidence]) -> Iterator[str]:
    if items:
        yield "\n## Evidence\n"
    for item in items:
        said = "; ".join(filter(None, (item.design, item.direction, item.finding)))
        doi = f" DOI {escaped(item.doi)}" if item.doi else ""
        yield f"- {escaped(item.title)} ({escaped(said)}){doi}"


def _quotes(quotes: Sequence[Kept], claims: int) -> Iterator[str]:
    if not quotes:
        return
    yield f"\n## Quotes ({len(quotes)} of {claims})\n"
    for claim in quotes:
        yield f"> {escaped(claim.text)}\n> — {escaped(_who(claim))}\n"


def _who(claim: Kept) -> str:
    who = claim.author or ("unnamed post" if claim.voice == "member" else claim.voice)
    return ", ".join(filter(None, (who, claim.site, claim.written[:10])))
