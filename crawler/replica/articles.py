"""A site of articles: an index and plain pages with JSON-LD. Values in and out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from html import escape
from string import Template
from typing import Any

from crawler.replica.answer import Answer, Ask, html_answer, plain
from crawler.replica.content import Piece, Press
from crawler.replica.markup import cook, inline

__all__ = ["respond"]

PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<meta name="description" content="$description">
<meta property="og:type" content="$kind">
<meta property="og:site_name" content="$site">
<link rel="canonical" href="$canonical">
$head<style>$css</style>
</head>
<body>
<header class="site-header"><a href="/">$site</a></header>
$notice
<main>
$main
</main>
<footer class="site-footer"><p>$site · $about</p></footer>
</body>
</html>
""")

ROBOTS = "User-agent: *\nDisallow: /cart/\nSitemap: $base/sitemap.xml\n"
MONTHS = "January February March April May June July August September October November December"


def respond(press: Press, ask: Ask) -> Answer:
    """The answer to one request."""
    if ask.path == "/":
        return _index(press, ask)
    if ask.path == "/robots.txt":
        return plain(Template(ROBOTS).substitute(base=ask.base))
    if ask.path == "/sitemap.xml":
        return _sitemap(press, ask)
    slug = ask.path.removeprefix("/articles/").rstrip("/")
    piece = next((piece for piece in press.pieces if piece.slug == slug), None)
    if piece is None:
        return _page(press, ask, "Page not found", "<h1>Page not found</h1>", status=404)
    return _article(press, ask, piece)


def path(piece: Piece) -> str:
    """The address of a piece within its site."""
    return f"/articles/{piece.slug}/"


def _index(press: Press, ask: Ask) -> Answer:
    rows = "\n".join(
        f'<li class="teaser"><a href="{path(piece)}">{escape(piece.title)}</a>'
        f"<br>{escape(piece.summary)}</li>"
        for piece in press.pieces
    )
    main = f"<h1>{escape(press.name)}</h1><p>{escape(press.description)}</p><ul>\n{rows}\n</ul>"
    return _page(press, ask, press.name, main)


def _sitemap(press: Press, ask: Ask) -> Answer:
    rows = "".join(
        f"<url><loc>{ask.base}{path(piece)}</loc>"
        f"<lastmod>{piece.reviewed or piece.published}</lastmod></url>"
        for piece in press.pieces
    )
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</urlset>'
    )
    return Answer(body=body, content_type="application/xml; charset=utf-8")


def _article(press: Press, ask: Ask, piece: Piece) -> Answer:
    main = (
        f'<article class="entry">\n<h1>{escape(piece.title)}</h1>\n{_byline(piece)}\n'
        f'<div class="entry-content">\n{cook(piece.body)}\n</div>\n{_references(piece)}</article>'
    )
    return _page(press, ask, f"{piece.title} | {press.name}", main, piece)


def _byline(piece: Piece) -> str:
    author = ", ".join(part for part in (piece.author, piece.credential) if part)
    parts = [
        f'By <span class="author-name">{escape(author)}</span>' if author else "",
        _dated("Published", "published", piece.published),
        _dated("Medically reviewed" if piece.reviewed else "", "reviewed", piece.reviewed),
    ]
    return f'<p class="byline">{" · ".join(part for part in parts if part)}</p>'


def _dated(label: str, name: str, day: date | None) -> str:
    if day is None:
        return ""
    shown = f"{day.day} {MONTHS.split()[day.month - 1]} {day.year}"
    return f'{label} <time class="{name}" datetime="{day}">{shown}</time>'


def _references(piece: Piece) -> str:
    if not piece.references:
        return ""
    rows = "\n".join(f"<li>{_reference(entry)}</li>" for entry in piece.references)
    return f'<section class="references"><h2>References</h2>\n<ol>\n{rows}\n</ol></section>\n'


def _reference(entry: Mapping[str, str]) -> str:
    parts = [inline(entry["text"])]
    if doi := entry.get("doi"):
        parts.append(f'doi: <a href="https://doi.org/{escape(doi)}">{escape(doi)}</a>')
    if pmid := entry.get("pmid"):
        parts.append(f'PMID: <a href="https://pubmed.ncbi.nlm.nih.gov/{pmid}/">{pmid}</a>')
    return " ".join(parts)


def _script(press: Press, ask: Ask, piece: Piece) -> str:
    text = json.dumps(_linked_data(press, ask, piece), ensure_ascii=False).replace("</", "<\\/")
    return f'<script type="application/ld+json">{text}</script>\n'


def _modified(piece: Piece) -> datetime | None:
    day = piece.reviewed or piece.published
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None


def _linked_data(press: Press, ask: Ask, piece: Piece) -> dict[str, Any]:
    """What search engines are told; facts the piece does not have are left out."""
    author = {"@type": "Person", "name": piece.author, "honorificSuffix": piece.credential}
    facts = {
        "@context": "https://schema.org",
        "@type": press.schema,
        "headline": piece.title,
        "description": piece.summary,
        "url": ask.base + path(piece),
        "author": {key: value for key, value in author.items() if value} if piece.author else None,
        "publisher": {"@type": "Organization", "name": press.name},
        "datePublished": piece.published and piece.published.isoformat(),
        "lastReviewed": piece.reviewed and piece.reviewed.isoformat(),
        "citation": [entry["text"] for entry in piece.references],
    }
    return {key: value for key, value in facts.items() if value}


def _page(
    press: Press,
    ask: Ask,
    title: str,
    main: str,
    piece: Piece | None = None,
    status: int = 200,
) -> Answer:
    offer = f'\n<aside class="offer">{inline(press.offer)}</aside>' if press.offer else ""
    return html_answer(
        PAGE,
        _modified(piece) if piece else None,
        status,
        title=title,
        description=escape(piece.summary if piece else press.description),
        kind="article" if piece else "website",
        site=escape(press.name),
        canonical=escape(ask.base + (path(piece) if piece else ask.path)),
        head=_script(press, ask, piece) if piece else "",
        main=main + offer,
        about=escape(press.description),
    )
