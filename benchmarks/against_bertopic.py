"""Side by side with BERTopic: the same posts, the same embedding model, the same machine.

    python -m benchmarks.against_bertopic [--posts 2000] [--engine fast] [--gold PHRASES.jsonl OUT]

From posts to named themes: here claims are read, their phrases embedded and grouped; there whole
posts are embedded, brought to five dimensions by UMAP, grouped by HDBSCAN and named by c-TF-IDF.
Then the grouping alone, of the same phrases with the same vectors. Models are loaded, and what is
compiled at first use is compiled, before the clock starts. With `--gold`, groups of labelled
phrases are written for a scorer: ours, and BERTopic's at several sizes of the smallest topic.

BERTopic is no part of Folkgrade: `pip install bertopic==0.17.4` in an environment that has both.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import forum
from benchmarks.themes import claims_of
from crawler.documents import Post, Source, Thread
from miner import engines
from miner.embed import Encoder, Vectors, encode_cached, load
from miner.model import Claim
from miner.phrases import normalise
from miner.readers import Readers, cores
from miner.themes import group

Found = TypeVar("Found")

SIZES = (10, 5, 2)
"""Smallest topics of BERTopic: its own choice, and two that suit few phrases better."""
KINDS = ("cause", "remedy", "diagnosis", "symptom_trigger")


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What a piece of work cost."""

    seconds: float
    work: float
    """Seconds of processors, children's too."""

    def __add__(self, other: Spent) -> Spent:
        return Spent(seconds=self.seconds + other.seconds, work=self.work + other.work)


def timed(work: Callable[[], Found]) -> tuple[Spent, Found]:
    """What it cost, and what it returned."""
    begun, used = time.perf_counter(), sum(os.times()[:4])
    found = work()
    return Spent(seconds=time.perf_counter() - begun, work=sum(os.times()[:4]) - used), found


def line(what: str, spent: Spent, groups: int) -> None:
    """A row of the report."""
    print(f"{what:58}{spent.seconds:9.1f} s{spent.work:9.1f} s{groups:8,} groups", flush=True)


def threads(posts: Sequence[forum.Post]) -> list[Thread]:
    """The posts as documents."""
    by_thread: dict[int, list[forum.Post]] = {}
    for post in posts:
        by_thread.setdefault(post.thread, []).append(post)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        Thread(
            source=Source(url=f"t{number}", site="forum.example", fetched=now, engine="benchmark"),
            title=some[0].title,
            posts=tuple(
                Post(id=str(p.number), number=p.number, text=p.text, author=p.author) for p in some
            ),
        )
        for number, some in by_thread.items()
    ]


class Remembering:
    """An encoder that embeds each text once, as a run does."""

    def __init__(self, encoder: Encoder) -> None:
        """Nothing is known."""
        self._encoder = encoder
        self._known: dict[str, Vectors] = {}

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """A row per text."""
        rows, new = encode_cached(self._encoder, texts, self._known)
        self._known |= new
        return rows


def read(documents: Sequence[Thread], name: str) -> list[Claim]:
    """The claims of all documents, read on every core."""
    with Readers(name, engines.load(name), cores()) as readers:
        every = readers.each((None, document) for document in documents)
        return [claim for _, claims in every for claim in claims()]


def topics(texts: Sequence[str], vectors: Vectors | None, encoder: Encoder, least: int) -> Any:
    """The topic number of each text by BERTopic with its own settings; -1 for those in none."""
    maker = import_module("bertopic").BERTopic
    rows = encoder.encode(texts) if vectors is None else vectors
    model = maker(embedding_model=None, min_topic_size=least, calculate_probabilities=False)
    return model.fit_transform(list(texts), rows)[0]


def whole_way(posts: int, name: str, encoder: Encoder) -> list[Claim]:
    """Tell what both cost from posts to named themes; the claims are returned."""
    said = list(forum.Forum().posts(posts))
    documents = threads(said)
    other, found = timed(lambda: topics([post.text for post in said], None, encoder, 10))
    line(f"BERTopic, {posts:,} posts to topics", other, len(set(found)))
    reading, claims = timed(lambda: read(documents, name))
    encode = Remembering(encoder)
    phrases = sorted({normalise(claim.phrase) for claim in claims})
    embedding, _ = timed(lambda: encode(phrases))
    grouping, grouped = timed(partial(group, claims, encode))
    ours = reading + embedding + grouping
    line(f"folkgrade, {name}, {posts:,} posts to themes", ours, len(grouped.themes))
    for what, spent in (("reading", reading), ("embedding", embedding), ("grouping", grouping)):
        line(f"  of it {what}", spent, 0)
    told(other, ours)
    return claims


def told(other: Spent, ours: Spent) -> None:
    """How many times longer BERTopic takes."""
    print(
        f"{'  BERTopic takes':58}{other.seconds / ours.seconds:9.2f} times the time, "
        f"{other.work / ours.work:.2f} times the work"
    )


def alone(claims: Sequence[Claim], encoder: Encoder) -> None:
    """Tell what both cost for the same phrases of one kind with the same vectors."""
    encode = Remembering(encoder)
    some = [claim for claim in claims if claim.kind == "remedy"]
    phrases = sorted({normalise(claim.phrase) for claim in some})
    vectors = encode(phrases)
    group(some, encode)  # Embeds what else it compares with.
    other, found = timed(lambda: topics(phrases, vectors, encoder, 10))
    line(f"BERTopic, {len(phrases):,} phrases with vectors", other, len(set(found)))
    ours, grouped = timed(lambda: group(some, encode))
    line(f"folkgrade, {len(phrases):,} phrases with vectors", ours, len(grouped.themes))
    told(other, ours)


def of_gold(place: Path, out: Path, encoder: Encoder) -> None:
    """Write the groups of labelled phrases, each kind by itself, and tell what they cost."""
    rows = [json.loads(text) for text in place.read_text("utf-8").splitlines() if text.strip()]
    encode = Remembering(encoder)
    claims = claims_of(rows)
    encode([normalise(row["phrase"]) for row in rows])
    spent, grouped = timed(lambda: group(claims, encode))
    home = {claim: theme.id for theme in grouped.themes for claim in theme.claims}
    line("folkgrade, labelled phrases", spent, len(grouped.themes))
    written(out, "folkgrade", rows, [home[claim.id] for claim in claims])
    for least in SIZES:
        labels = [""] * len(rows)
        begun = Spent(seconds=0, work=0)
        for kind in KINDS:
            places = [n for n, row in enumerate(rows) if row["kind"] == kind]
            texts = [rows[n]["phrase"] for n in places]
            cost, found = timed(partial(topics, texts, encode(texts), encoder, least))
            begun += cost
            for n, label in zip(places, found, strict=True):
                # What is in no topic is by itself, which the scorer likes better than one heap.
                labels[n] = f"{kind} {label if label >= 0 else f'alone {n}'}"
        line(f"BERTopic, labelled phrases, topics of {least} at least", begun, len(set(labels)))
        written(out, f"bertopic-{least}", rows, labels)


def written(out: Path, name: str, rows: Sequence[Any], labels: Sequence[str]) -> None:
    """The groups in a file for the scorer."""
    out.mkdir(parents=True, exist_ok=True)
    pairs = zip(rows, labels, strict=True)
    lines = [json.dumps({**row, "theme_id": label}) + "\n" for row, label in pairs]
    (out / f"{name}.jsonl").write_text("".join(lines), "utf-8")


def warm(encoder: Encoder) -> None:
    """Has everything compiled that is compiled at first use."""
    draw = np.random.default_rng(1)
    texts = [f"word{n % 7} thing{n % 5} {n}" for n in range(300)]
    rows = draw.standard_normal((300, 384)).astype(np.float32)
    topics(texts, rows, encoder, 10)
    group(claims_of([{"kind": "remedy", "phrase": "rest"}]), encoder.encode)


def main() -> None:
    """Compares, or says what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--posts", type=int, default=2_000)
    parser.add_argument("--engine", action="append", help="fast or offline; may be repeated")
    parser.add_argument("--gold", type=Path, nargs=2, metavar=("PHRASES", "OUT"))
    asked = parser.parse_args()
    if find_spec("bertopic") is None:
        raise SystemExit("BERTopic is not here: pip install bertopic==0.17.4 beside Folkgrade")
    encoder = load()
    warm(encoder)
    if asked.gold:
        place, out = asked.gold
        of_gold(place, out, encoder)
    claims: list[Claim] = []
    for name in asked.engine or (["fast"] if asked.posts else []):
        claims = whole_way(asked.posts, name, encoder)
    if claims:
        alone(claims, encoder)


if __name__ == "__main__":
    main()
