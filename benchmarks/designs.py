"""Designs of MEDLINE records: `python benchmarks/designs.py MEDLINE_FILE OUT.jsonl [--blind]`.

Writes {pmid, design} a line, design one of rct, sr, case_report, case_series, cohort, case_control,
cross_sectional, review, other. With `--blind` publication types and headings are not looked at.
`--times N` reads the records N times over as well, on two cores, and prints how long 100,000 take.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from crawler.decode import decode
from crawler.imports.bibliography import Entry
from crawler.imports.tagged import medline, of_medline
from crawler.literature.texts import page_count, plain
from miner.designs import design_of, finding_of, people_in

CORES = 2
DESIGNS = ("rct", "case_report", "case_series", "cohort", "case_control", "cross_sectional")


def entries(path: Path) -> Iterator[Entry]:
    """The records of a file."""
    lines = decode(path.read_bytes()).text.splitlines()
    return map(of_medline, medline(iter(lines)))


def design(entry: Entry, *, blind: bool) -> str:
    """The design of a record as the list above calls it."""
    found, _ = design_of(
        plain(entry.title),
        plain(entry.abstract),
        () if blind else (*entry.types, *entry.keywords),
        journal=entry.journal,
        pages=page_count(entry.pages),
    )
    if found.startswith("sr"):
        return "sr"
    return found if found in DESIGNS else "review" if found == "narrative_review" else "other"


def read_all(records: list[Entry]) -> int:
    """How many records were read: design, people and direction of each."""
    for entry in records:
        design(entry, blind=True)
        people_in(entry.abstract)
        finding_of(entry.abstract)
    return len(records)


def speed(records: list[Entry], times: int) -> None:
    """Prints how fast records are read by a process for each of two cores."""
    with ProcessPoolExecutor(CORES) as pool:
        list(pool.map(read_all, [records[:1]] * CORES))  # patterns are compiled
        before = time.perf_counter()
        count = sum(pool.map(read_all, [records] * times))
        took = time.perf_counter() - before
    print(f"{count:,} records in {took:.1f} s: {100_000 * took / count:.0f} s for 100,000")


def main() -> None:
    """Reads the arguments and writes the predictions."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("medline", type=Path)
    asked.add_argument("out", type=Path, nargs="?")
    asked.add_argument("--blind", action="store_true")
    asked.add_argument("--times", type=int, default=0)
    given = asked.parse_args()
    records = list(entries(given.medline))
    if given.times:
        speed(records, given.times)
    if given.out:
        rows = ({"pmid": e.pmid, "design": design(e, blind=given.blind)} for e in records if e.pmid)
        text = "".join(f"{json.dumps(row)}\n" for row in rows)
        given.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
