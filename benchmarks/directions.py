"""Effects that abstracts tell: `python benchmarks/directions.py FOLDER OUT.jsonl`.

FOLDER holds prompts.tsv (pmcid, prompt_id, outcome, intervention, comparator) and abstracts by
pmcid (abstracts/PMC….txt). Writes {pmcid, prompt_id, direction} a line: increase, decrease or
no_difference of the outcome.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from crawler.decode import decode
from crawler.literature.texts import plain
from miner.effects import Asked, effect_of


def main() -> None:
    """Reads the arguments and writes the predictions."""
    folder, out = map(Path, sys.argv[1:3])
    with (folder / "prompts.tsv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    told = []
    for row in rows:
        path = folder / "abstracts" / f"{row['pmcid']}.txt"
        abstract = plain(decode(path.read_bytes()).text) if path.is_file() else ""
        abstract = re.sub(r"\bABSTRACT\.(?=[A-Z])", "", abstract)
        fields = (plain(row[name]) for name in ("outcome", "intervention", "comparator"))
        found = effect_of(abstract, Asked(*fields))
        ids = {"pmcid": row["pmcid"], "prompt_id": row["prompt_id"]}
        told.append(json.dumps({**ids, "direction": found.effect}))
    out.write_text("".join(f"{line}\n" for line in told), encoding="utf-8")


if __name__ == "__main__":
    main()
