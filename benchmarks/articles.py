"""Evidence of articles: `python benchmarks/articles.py ARTICLES_DIR OUT.jsonl`.

Every file of the folder is an article: `*.json` (id, title, text or paragraphs, perhaps site),
or plain text. Each Evidence is a line of OUT: article_id, quote, kind (remedy, cause, which
triggers are too, or prevalence), topic, target, source_type, design, n, year, direction, flags,
study and reasons; pasted threads are passed over. With `--claims` the three directions of claims
stand in the lines instead of the five of evidence.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from crawler.documents import Article, Source
from crawler.files import Request, read_file
from miner import conditions, embed, library, promotions
from miner.claims import Extractor
from miner.evidence import of_articles
from miner.model import Claim, Evidence, Theme
from miner.themes import group

READ = datetime(2026, 1, 1, tzinfo=UTC)
THREE = {
    "supports": "supports",
    "contradicts": "contradicts",
    "no_effect": "contradicts",
    "mixed": "neutral",
    "unclear": "neutral",
}


def of_json(data: Mapping[str, Any]) -> Article:
    """An article file as a document; its id becomes the address."""
    text = data.get("text") or "\n\n".join(data.get("paragraphs", ()))
    site = data.get("site") or "import"
    source = Source(url=data["id"], site=site, fetched=READ, engine="benchmark")
    return Article(source=source, title=data.get("title") or "", text=text)


def articles(folder: Path) -> Iterator[tuple[str, Article]]:
    """Id and document of every article of a folder, in order of name."""
    for path in sorted(folder.iterdir()):
        if path.suffix == ".json":
            data = json.loads(path.read_text("utf-8"))
            yield data["id"], of_json(data)
        elif path.suffix in (".txt", ".html", ".md"):
            for one in read_file(path, Request(fetched=READ)).documents:
                if isinstance(one, Article):
                    yield path.stem, one


def claims_of(documents: Sequence[Article]) -> list[Claim]:
    """What the pipeline reads in the articles, with conditions."""
    extractor = Extractor()
    found: list[Claim] = []
    for document, (_, claims) in zip(documents, extractor.extract_all(documents), strict=True):
        own = {claim.id: claim for claim in (*promotions.claims(document), *claims)}
        found += conditions.assign(tuple(own.values()), document)
    return found


def kind_of(piece: Evidence, theme: Theme) -> str:
    """What a line speaks of; how common an illness is, is neither remedy nor cause."""
    if piece.question == "prevalence":
        return "prevalence"
    return "remedy" if theme.kind == "remedy" else "cause"


def head_of(phrase: str) -> str:
    """The thing a phrase names, without what is told of it: `that`, `which`, `near`, `to`."""
    short = re.split(r"(?<!return)(?<!back)\s+(?:that|which|who|near|where|to)\b", phrase)[0]
    return short if len(short) > 3 else phrase


def row(name: str, piece: Evidence, theme: Theme, target: str) -> dict[str, object]:
    """One line."""
    return {
        "article_id": name,
        "quote": piece.quote.text if piece.quote else "",
        "kind": kind_of(piece, theme),
        "topic": theme.name,
        "target": head_of(target),
        "source_type": piece.source_type,
        "design": piece.design,
        "n": piece.n,
        "year": piece.year,
        "direction": piece.direction,
        "flags": list(piece.flags),
        "study": piece.study,
        "reasons": list(piece.reasons),
    }


def rows(named: Mapping[str, str], documents: Sequence[Article]) -> Iterator[dict[str, object]]:
    """The lines of all articles; `named` is the id by address."""
    claims = claims_of(documents)
    themes = group(claims, embed.load().encode).themes
    by_id = {theme.id: theme for theme in themes}
    said = {}
    theme_of = {claim: theme.id for theme in themes for claim in theme.claims}
    for claim in claims:
        place = (theme_of.get(claim.id), claim.quote.document, claim.phrase_start)
        said[place] = claim.phrase
    known = library.by_identifier(library.load())
    for piece in of_articles(documents, claims, themes, known):
        quote = piece.quote
        if quote is not None:
            spots = range(quote.start, quote.end)
            told = (t for (th, doc, at), t in said.items()
                    if (th, doc) == (piece.theme, quote.document) and at in spots)  # fmt: skip
            theme = by_id[piece.theme]
            yield row(named[quote.document], piece, theme, next(told, theme.name))


def main() -> None:
    """Reads the arguments and writes the lines."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("out", type=Path)
    asked.add_argument("--claims", action="store_true")
    given = asked.parse_args()
    found = list(articles(given.folder))
    named = {document.source.url: name for name, document in found}
    lines = list(rows(named, [document for _, document in found]))
    if given.claims:
        for line in lines:
            line["direction"] = THREE[str(line["direction"])]
    text = "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)
    given.out.write_text(text, "utf-8")
    print(f"{len(lines)} pieces of evidence in {len(found)} articles", file=sys.stderr)


if __name__ == "__main__":
    main()
