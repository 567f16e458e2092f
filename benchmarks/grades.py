"""Grades of worked cases: `python benchmarks/grades.py VECTORS.json OUT.json`.

Reads a list of cases (name, question, sources, searched) and writes a list of
{name, level, status, certainty, reasons}. Keys a case lacks are taken as not said.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from miner.grades import grade
from miner.model import Direction, Evidence, Question, SourceType

IDENTIFIERS = ("pmid", "doi", "nct", "registry", "registration", "trial", "study", "identity")
"""Beginnings of the keys that name a study; `study_type` and the like are none."""
OWN = ("id", "same_as", "duplicate_of")
DENIED = ("verified", "citation_verified", "checked")
SAID = ("retracted", "unverified", "human_reviewed", "preprint", "abstract_only")


def source_of(raw: Mapping[str, Any], question: Question) -> Evidence:
    """One source of a case; a missing source type is read from its design."""
    design = raw.get("design")
    own = design if design in ("expert", "mechanism") else "study"
    return Evidence(
        theme="case",
        source_type=cast("SourceType", raw.get("source_type") or own),
        direction=cast("Direction", raw.get("direction") or "unclear"),
        quote=None,
        design=design,
        n=raw.get("n"),
        flags=_flags(raw),
        question=question,
        study=" ".join(_names(raw)) or None,
        title=str(raw.get("citation") or raw.get("id") or ""),
    )


def _names(raw: Mapping[str, Any]) -> list[str]:
    """Every name a source's study goes by, without blanks."""
    found = [f"id:{raw[key]}" for key in OWN if raw.get(key)]
    for key, value in raw.items():
        kind = next((name for name in IDENTIFIERS if key.lower().startswith(name)), None)
        if kind and isinstance(value, str | int) and "type" not in key and "design" not in key:
            found.append(f"pmid:{value}" if kind == "pmid" else str(value))
    return ["".join(name.split()) for name in found]


def _flags(raw: Mapping[str, Any]) -> tuple[str, ...]:
    said = [
        *("unverified" if "unverified" in flag else flag for flag in raw.get("flags") or ()),
        *("unverified" for key in DENIED if raw.get(key) is False),
        *(name for name in SAID if raw.get(name)),
    ]
    published = raw.get("published_grade")
    if published:
        said.append("published_" + str(published).strip().lower().replace(" ", "_"))
    return tuple(dict.fromkeys(said))


def result_of(case: Mapping[str, Any]) -> dict[str, Any]:
    """The grade of one case in the form of the worked cases."""
    question = cast("Question", case.get("question") or "benefit")
    reviewed = {"human_reviewed": True} if case.get("human_reviewed") else {}
    sources = [source_of({**raw, **reviewed}, question) for raw in case.get("sources") or ()]
    found = grade(
        str(case.get("theme") or "case"),
        case.get("condition"),
        sources,
        question,
        bool(case.get("searched")),
        case.get("published_grade"),
    )
    return {
        "name": case.get("name"),
        "level": found.level,
        "status": found.status,
        "certainty": found.certainty,
        "reasons": list(found.reasons),
    }


def main(arguments: Sequence[str]) -> int:
    """0 when written; 2 when called wrongly."""
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    cases = json.loads(Path(arguments[0]).read_text("utf-8"))
    cases = cases if isinstance(cases, list) else cases.get("vectors", [])
    results = [result_of(case) for case in cases]
    Path(arguments[1]).write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    right = [_agrees(c["expect"], r) for c, r in zip(cases, results, strict=True) if "expect" in c]
    print(f"{len(results)} cases, {sum(right)} of {len(right)} as expected")
    return 0


def _agrees(expected: Mapping[str, Any], result: Mapping[str, Any]) -> bool:
    return all(result.get(key) == value for key, value in expected.items())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
