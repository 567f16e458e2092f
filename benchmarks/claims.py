"""Predicted claims of labelled threads: `python benchmarks/claims.py THREADS_DIR OUT.jsonl`.

Every `*.json` of the folder is a thread (id, title, posts of n, author, text); one row per claim
is written. With `--articles` the files are articles (id, title, text).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from crawler.documents import Article, Post, Source, Thread
from miner import embed
from miner.claims import Extractor
from miner.evidence import from_article
from miner.model import Claim
from miner.themes import group

NAMES = {"trigger": "symptom_trigger"}
DIRECTIONS = {
    "supports": "supports",
    "contradicts": "contradicts",
    "no_effect": "contradicts",
    "mixed": "neutral",
    "unclear": "neutral",
}
"""Our directions in the words of the scorer."""


def thread(data: Mapping[str, Any]) -> Thread:
    """A thread file as a document; its id becomes the address."""
    posts = tuple(
        Post(
            id=str(post["n"]),
            number=int(post["n"]),
            text=post["text"],
            author=post.get("author"),
            reply_to=str(post["reply_to"]) if post.get("reply_to") else None,
        )
        for post in data["posts"]
    )
    return Thread(source=source(data), title=data.get("title") or "", posts=posts)


def article(data: Mapping[str, Any]) -> Article:
    """An article file as a document; its id becomes the address."""
    text = data.get("text") or "\n\n".join(data.get("paragraphs", ()))
    return Article(source=source(data), title=data.get("title") or "", text=text)


def source(data: Mapping[str, Any]) -> Source:
    """Where a file of the benchmark is from: nowhere, but under its own id."""
    read = datetime(2026, 1, 1, tzinfo=UTC)
    return Source(url=data["id"], site="import", fetched=read, engine="benchmark")


def row(claim: Claim, themes: Mapping[str, str]) -> dict[str, object]:
    """One prediction of a thread, in the words of the scorer."""
    return {
        "thread_id": claim.quote.document,
        "post_n": 0 if claim.quote.part == "title" else int(claim.quote.part),
        "kind": NAMES.get(claim.kind, claim.kind),
        "target": claim.phrase,
        "quote": claim.quote.text,
        "outcome": claim.outcome,
        "certainty": claim.assertion,
        "experiencer": claim.experiencer,
        "confidence": claim.confidence,
        **({"theme_id": themes[claim.id]} if claim.id in themes else {}),
    }


def article_row(claim: Claim, direction: str) -> dict[str, object]:
    """One prediction of an article, in the words of the scorer."""
    return {
        "article_id": claim.quote.document,
        "kind": NAMES.get(claim.kind, claim.kind),
        "target": claim.phrase,
        "quote": claim.quote.text,
        "direction": DIRECTIONS[direction],
    }


def directions(document: Article, claims: Sequence[Claim]) -> dict[str, str]:
    """What the article says of each claim, by claim id."""
    found: dict[str, str] = {}
    for claim in claims:
        evidence = from_article(document, [claim], {claim.id: claim.id})
        found[claim.id] = evidence[0].direction if evidence else "unclear"
    return found


def files(folder: Path) -> Iterator[dict[str, Any]]:
    """The parsed files of a folder in order of name."""
    for path in sorted(folder.glob("*.json")):
        yield json.loads(path.read_text("utf-8"))


def themes_of(claims: Sequence[Claim]) -> dict[str, str]:
    """Theme id by claim id."""
    encode = embed.load().encode
    return {claim: theme.id for theme in group(claims, encode).themes for claim in theme.claims}


def main() -> None:
    """Read the arguments, extract, write the rows, tell the speed on stderr."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--articles", action="store_true")
    arguments = parser.parse_args()
    extractor = Extractor()
    documents = [
        (article if arguments.articles else thread)(data) for data in files(arguments.folder)
    ]
    extractor.extract(thread({"id": "warm-up", "title": "warm up", "posts": []}))
    started = time.perf_counter()
    found = [claims for _, claims in extractor.extract_all(documents)]
    spent = time.perf_counter() - started
    rows: list[dict[str, object]] = []
    if arguments.articles:
        for document, claims in zip(documents, found, strict=True):
            way = directions(cast("Article", document), claims)
            rows += [article_row(claim, way[claim.id]) for claim in claims]
    else:
        every = [claim for claims in found for claim in claims]
        themes = themes_of(every)
        rows = [row(claim, themes) for claim in every]
    arguments.out.write_text(
        "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows), "utf-8"
    )
    posts = sum(len(d.posts) if isinstance(d, Thread) else 1 for d in documents)
    print(
        f"{len(rows)} claims of {posts} posts in {spent:.1f} s ({posts / spent:.1f} a second)",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
