"""Designs of MEDLINE records: `python benchmarks/designs.py MEDLINE_FILE OUT.jsonl [--blind]`.

Writes {pmid, design} a line, design one of rct, sr, case_report, case_series, cohort, case_control,
cross_sectional, review, other. With `--blind` publication types and headings are not looked at.
`--times N` reads the records N times over as well, as a run does (design, people, direction, topics
and conditions), with words of their own each time, on two cores, and prints how long 100,000 take
and by how much the memory grew meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from crawler.decode import decode
from crawler.documents import Source, Study
from crawler.imports.bibliography import Entry
from crawler.imports.tagged import medline, of_medline
from crawler.literature.texts import page_count, plain
from miner.designs import design_of
from miner.library import of_record

CORES = 2
READ = datetime(2026, 1, 1, tzinfo=UTC)
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


def study(entry: Entry, number: int) -> Study:
    """The record as a run reads it; its sentences differ by the number, so that no cache helps."""
    source = Source(url=f"pmid:{entry.pmid}", site="import", fetched=READ, engine="benchmark")
    return Study(
        source=source,
        title=plain(entry.title),
        abstract=plain(entry.abstract).replace(". ", f" x{number}. "),
        journal=entry.journal,
        pages=page_count(entry.pages),
    )


def read_all(records: list[Entry], number: int) -> tuple[float, float, int]:
    """Seconds of processor time, then megabytes of memory, that a reading of them all has cost."""
    before = time.process_time()
    for entry in records:
        of_record(study(entry, number))
    return time.process_time() - before, peak(), os.getpid()


def peak() -> float:
    """Most megabytes that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def speed(records: list[Entry], times: int) -> None:
    """Prints how fast records are read by a process for each of two cores, and their memory."""
    with ProcessPoolExecutor(CORES) as pool:
        list(pool.map(read_all, [records] * CORES, [-1] * CORES))  # patterns are compiled
        before = time.perf_counter()
        rounds = list(pool.map(read_all, [records] * times, range(times)))
        took = time.perf_counter() - before
    count = len(records) * times
    busy = sum(seconds for seconds, _, _ in rounds) / CORES
    grown = {
        process: [held for _, held, at in rounds if at == process]
        for process in {at for _, _, at in rounds}
    }
    more = max(held[-1] - held[0] for held in grown.values())
    print(
        f"{count:,} records in {took:.1f} s ({busy:.1f} s of each core): 100,000 in "
        f"{100_000 * took / count:.0f} s ({100_000 * busy / count:.0f} s of each core); memory "
        f"grew by {more:.1f} MB"
    )


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
