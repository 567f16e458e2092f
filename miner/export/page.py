"""One HTML page that holds all it needs: tables, quotes and charts as inline SVG, no remote part.

Its policy forbids every request, so that nothing a post brings along can call home.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files as resources
from typing import IO

from miner.counts import FEW, OUTCOMES, shares
from miner.coverage import coverage
from miner.export.obsidian import MOST_QUOTES
from miner.export.package import KINDS, File, Kept, Package, Site
from miner.export.sheet import findable_line, lines_about
from miner.model import Evidence, Grade, Theme

__all__ = ["bars", "files", "stacked"]

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
COLOURS = {"helped": "#1b7f5c", "mixed": "#b88600", "no_effect": "#6b7280", "worse": "#b3261e"}
WIDTH, ROW, LABEL = 720, 26, 250
MOST_BARS = 20


def files(package: Package) -> list[File]:
    """The page."""
    return [File(name=".html", write=lambda stream: _write(stream, package))]


def _write(stream: IO[bytes], package: Package) -> None:
    for piece in _page(package):
        stream.write(piece.encode())
        stream.write(b"\n")


def _page(package: Package) -> Iterator[str]:
    title = escape(package.about.project or "Folkgrade")
    style = resources("miner").joinpath("data/page.css").read_text("utf-8")
    yield f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="referrer" content="no-referrer">'
    yield f"<style>{style}</style></head><body><main><h1>{title}</h1>"
    yield f'<p class="caution">{escape(package.about.caution)}</p>'
    yield from _about(package)
    yield from _charts(package)
    yield from _gaps(package)
    yield from _asked(package)
    yield from _themes(package)
    yield from _sheet(package)
    yield "</main></body></html>"


def _about(package: Package) -> Iterator[str]:
    yield "<dl>"
    for name, said in lines_about(package):
        yield f"<dt>{escape(name)}</dt><dd>{escape(said)}</dd>"
    yield "</dl>"


# --- charts ---------------------------------------------------------------------------------------


def _charts(package: Package) -> Iterator[str]:
    levels: Counter[str] = Counter(_level(package.overall.get(t.id)) for t in package.themes)
    if levels:
        yield "<h2>Themes by level of evidence</h2>"
        yield bars({name: levels[name] for name in sorted(levels)}, "Themes by level of evidence")
    told = [theme for theme in package.themes if theme.tally.reported >= FEW][:MOST_BARS]
    if told:
        yield "<h2>What came of it, most spoken of first</h2>"
        yield '<p class="key">' + " ".join(map(_key, OUTCOMES)) + "</p>"
        yield stacked(told)


def _level(grade: Grade | None) -> str:
    if grade is not None and grade.level is not None:
        return f"Level {grade.level}"
    return (grade.status if grade else "not_searched").replace("_", " ")


def _key(outcome: str) -> str:
    return f'<span style="color:{COLOURS[outcome]}">■</span> {outcome.replace("_", " ")}'


def bars(counts: Mapping[str, int], label: str) -> str:
    """Horizontal bars with their numbers, as SVG."""
    most = max(counts.values(), default=0) or 1
    rows = []
    for place, (name, count) in enumerate(counts.items()):
        width = (WIDTH - LABEL - 60) * count / most
        rows.append(_row(place, name) + _bar(LABEL, width, place, "#3b5ba5"))
        rows.append(_text(LABEL + width + 6, place, str(count)))
    return _svg(len(counts), label, rows)


def stacked(themes: Sequence[Theme]) -> str:
    """For each theme a bar of its outcomes, as SVG; the number is that of people who told one."""
    rows = []
    for place, theme in enumerate(themes):
        rows.append(_row(place, theme.name))
        at = float(LABEL)
        for outcome, share in shares(theme.tally).items():
            width = (WIDTH - LABEL - 90) * share.k / share.n
            said = f"{outcome.replace('_', ' ')}: {share.label}"
            rows.append(_bar(at, width, place, COLOURS[outcome], said))
            at += width
        rows.append(_text(at + 6, place, f"of {theme.tally.reported}"))
    return _svg(len(themes), "What came of it, by theme", rows)


def _svg(count: int, label: str, rows: Sequence[str]) -> str:
    size = f'viewBox="0 0 {WIDTH} {count * ROW}" role="img" aria-label="{escape(label)}"'
    return f"<svg {size}>{''.join(rows)}</svg>"


def _row(place: int, name: str) -> str:
    short = name if len(name) <= 36 else name[:35] + "…"
    return _text(LABEL - 8, place, short, "end")


def _text(at: float, place: int, text: str, anchor: str = "start") -> str:
    where = f'x="{at:.1f}" y="{place * ROW + 17}" text-anchor="{anchor}"'
    return f"<text {where}>{escape(text)}</text>"


def _bar(at: float, width: float, place: int, colour: str, said: str = "") -> str:
    where = f'x="{at:.1f}" y="{place * ROW + 4}" width="{width:.1f}" height="{ROW - 8}"'
    return f'<rect {where} fill="{colour}"><title>{escape(said)}</title></rect>'


# --- themes ---------------------------------------------------------------------------------------


def _gaps(package: Package) -> Iterator[str]:
    if not package.gaps:
        return
    names = {theme.id: theme.name for theme in package.themes}
    rows = (
        (f"{gap.score:g}", names[gap.theme], gap.type, "; ".join(gap.reasons))
        for gap in package.gaps
    )
    yield "<h2>Gaps</h2>"
    yield from _table(("Score", "Theme", "Type", "Why"), rows)


def _asked(package: Package) -> Iterator[str]:
    if not package.asked:
        return
    rows = (
        (one.text, f"{one.askers:,}", f"{one.answered} of {one.askers}") for one in package.asked
    )
    yield "<h2>What people ask</h2>"
    yield from _table(("Question", "Asked by", "Answered"), rows)


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield "<table><tr>" + "".join(f"<th>{head}</th>" for head in heads) + "</tr>"
    for cells in rows:
        yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
    yield "</table>"


def _themes(package: Package) -> Iterator[str]:
    quotes: dict[str, list[Kept]] = {}
    many: Counter[str] = Counter()
    for claim in package.claims:
        many[claim.theme] += 1
        some = quotes.setdefault(claim.theme, [])
        if claim.text and len(some) < MOST_QUOTES:
            some.append(claim)
    evidence: dict[str, list[Evidence]] = {}
    for item in package.evidence:
        evidence.setdefault(item.theme, []).append(item)
    for kind, heading in KINDS.items():
        of_kind = [theme for theme in package.themes if theme.kind == kind]
        if of_kind:
            yield f"<h2>{heading}</h2>"
        for theme in of_kind:
            yield from _theme(theme, package.overall.get(theme.id), own=package.own)
            yield from _evidence(evidence.get(theme.id, ()))
            yield from _quotes(quotes.get(theme.id, ()), many[theme.id])


def _theme(theme: Theme, grade: Grade | None, *, own: bool) -> Iterator[str]:
    yield f'<h3 id="{escape(theme.id)}">{escape(theme.name)}</h3>'
    said = [
        f"{theme.tally.authors} people in {theme.tally.threads} threads",
        coverage(theme, own=own).label,
        _level(grade),
    ]
    if grade and grade.level is not None:
        said.append(grade.status.replace("_", " "))
    said += [f"{o.replace('_', ' ')} {s.label}" for o, s in shares(theme.tally).items()]
    yield f"<p>{escape('; '.join(said))}.</p>"


def _evidence(items: Sequence[Evidence]) -> Iterator[str]:
    if not items:
        return
    yield "<ul>"
    for item in items:
        said = "; ".join(filter(None, (item.source_type, item.design, item.direction)))
        doi = f", DOI {item.doi}" if item.doi else ""
        yield f"<li>{escape(item.title)} ({escape(said)}){escape(doi)}. {escape(item.finding)}</li>"
    yield "</ul>"


def _quotes(quotes: Sequence[Kept], many: int) -> Iterator[str]:
    if not quotes:
        return
    yield f"<details><summary>Quotes ({len(quotes)} of {many})</summary>"
    for claim in quotes:
        who = claim.author or ("unnamed post" if claim.voice == "member" else claim.voice)
        said = ", ".join(filter(None, (who, claim.site, claim.written[:10])))
        yield f"<blockquote>{escape(claim.text)}<footer>{escape(said)}</footer></blockquote>"
    yield "</details>"


def _sheet(package: Package) -> Iterator[str]:
    sheet = package.datasheet
    yield "<h2>Datasheet</h2><ul>"
    yield from (f"<li>{escape(sentence)}</li>" for sentence in sheet.removed)
    yield f"<li>{findable_line(sheet)}</li></ul>"
    heads = ("Site", "Threads", "Posts", "Pseudonyms", "Articles", "Studies", "Terms")
    yield from _table(heads, map(_site, sheet.sites))


def _site(site: Site) -> tuple[str, ...]:
    counts = (site.threads, site.posts, site.authors, site.articles, site.studies)
    return (site.site, *(f"{count:,}" for count in counts), site.licence)
