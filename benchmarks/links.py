"""Links of collected studies to themes: `python benchmarks/links.py STUDIES.jsonl LINKS.tsv`.

STUDIES holds a study a line (citation, finding, about with topics), LINKS a theme a line (kind,
phrases, the topics it is linked to and those it may be). Each study is read as if it had been
looked up: the title alone, then with the finding in place of an abstract. Prints precision and
recall of the links at several likenesses; `--errors` lists what is wrong or missed.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from crawler.documents import Source, Study
from miner import library
from miner.embed import load as load_encoder
from miner.model import Claim, Evidence, Quote, Theme
from miner.subjects import SPEAKERS

READ = datetime(2026, 1, 1, tzinfo=UTC)
Rows = Sequence[Mapping[str, str]]


def title_of(citation: str) -> str:
    """The title in a citation of the form `Author et al. Title. Journal year`."""
    parts = citation.split(". ")
    return parts[1] if len(parts) > 2 else parts[-1] if len(parts) == 1 else parts[1]


def study(raw: Mapping[str, Any], *, abstract: bool) -> Study:
    """A line as a record of a literature service."""
    source = Source(url=raw["id"], site="import", fetched=READ, engine="benchmark")
    text = str(raw["finding"]) if abstract else ""
    return Study(source=source, title=title_of(raw["citation"]), abstract=text)


def themes_of(rows: Rows) -> tuple[list[Theme], list[Claim]]:
    """A theme for each row, each of its phrases said by several people."""
    themes, every = [], []
    for place, row in enumerate(rows):
        said = row["phrases"].split("|")
        claims = [
            Claim(
                kind=row["kind"],  # type: ignore[arg-type]
                phrase=phrase,
                phrase_start=place,
                quote=Quote(document="d", part=f"{n}-{who}", start=0, text=phrase),
                author=f"a{who}",
            )
            for n, phrase in enumerate(said)
            for who in range(SPEAKERS)
        ]
        ids = tuple(claim.id for claim in claims)
        themes.append(Theme(id=str(place), kind=claims[0].kind, name=said[0], claims=ids))
        every += claims
    return themes, every


def wanted(raw: Mapping[str, Any], rows: Rows, column: str) -> set[int]:
    """Places of the themes that a study is linked to, or may be."""
    topics = {about["topic"] for about in raw["about"]}
    kinds = {"benefit": {"remedy"}, "prevention": {"remedy"}, "cause": {"cause", "trigger"}}
    fitting = {kind for about in raw["about"] for kind in kinds.get(about["question"], ())}
    return {
        place
        for place, row in enumerate(rows)
        if row["kind"] in fitting and topics & set((row[column] or "").split("|"))
    }


def judged(
    studies: Sequence[Mapping[str, Any]], rows: Rows, found: Sequence[Evidence], least: float
) -> Iterator[tuple[str, str, int]]:
    """Each link as right, wrong or missed, with the study and the place of the theme."""
    links = {
        (str(item.url), int(item.theme))
        for item in found
        if float(item.reasons[1].split()[-1]) >= least
    }
    for raw in studies:
        want, may = wanted(raw, rows, "linked"), wanted(raw, rows, "either")
        got = {theme for name, theme in links if name == raw["id"]}
        yield from (("right", raw["id"], place) for place in sorted(got & want))
        yield from (("wrong", raw["id"], place) for place in sorted(got - want - may))
        yield from (("missed", raw["id"], place) for place in sorted(want - got))


def main() -> None:
    """Reads the arguments and prints the figures."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("studies", type=Path)
    asked.add_argument("links", type=Path)
    asked.add_argument("--errors", action="store_true")
    given = asked.parse_args()
    raw = [json.loads(line) for line in given.studies.read_text("utf-8").splitlines() if line]
    with given.links.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    themes, claims = themes_of(rows)
    encode = load_encoder().encode
    for abstract in (False, True):
        read = [entry for one in raw for entry in library.of_record(study(one, abstract=abstract))]
        found = library.link(read, themes, claims, encode, lambda _: None)
        told = [e for e in found if "measured against" not in " ".join(e.reasons)]
        for least in (0.8, 0.85, 0.9):
            verdicts = list(judged(raw, rows, told, least))
            right, wrong, missed = (
                sum(verdict == name for verdict, _, _ in verdicts)
                for name in ("right", "wrong", "missed")
            )
            print(
                f"{'with' if abstract else 'without'} abstract, likeness {least}: precision "
                f"{right / max(1, right + wrong):.2f}, recall {right / max(1, right + missed):.2f} "
                f"({right} right, {wrong} wrong, {missed} missed)"
            )
        if given.errors:
            for verdict, name, place in judged(raw, rows, told, 0.8):
                if verdict != "right":
                    print(f"  {verdict}: {name} and {rows[place]['phrases'].split('|')[0]}")


if __name__ == "__main__":
    main()
