"""Threads written for Folkgrade with their claims marked in place.

A thread opens with `# Title`, a post with `NUMBER AUTHOR: `. A claim is `[CODE words]`: first the
kind (C cause, T trigger, D diagnosis, R remedy), then in any order the outcome (+ helped, ~ mixed,
0 no effect, - worse, ? unknown), h hedged or n negated, o other, a advice or q question.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["claims", "threads"]

FOLDER = Path(__file__).parent / "written"
KINDS = {"C": "cause", "T": "symptom_trigger", "D": "diagnosis", "R": "remedy"}
OUTCOMES = {"+": "helped", "~": "mixed", "0": "no_effect", "-": "worse", "?": "unknown"}
SPEAKERS = {"o": "other", "a": "advice", "q": "question"}
_MARK = re.compile(r"\[([CTDR])([-+~0?hnoaq]*) ([^\[\]]+)\]")
_POST = re.compile(r"^(\d+) (\w+): ", re.MULTILINE)


def threads(folder: Path = FOLDER) -> Iterator[dict[str, Any]]:
    """Id, title and posts (n, author, text) of each thread, marks taken out."""
    for path in sorted(folder.glob("*.txt")):
        for index, block in enumerate(re.split(r"^# ", path.read_text("utf-8"), flags=re.M)[1:]):
            title, _, body = block.partition("\n")
            yield {
                "id": f"written_{path.stem}{index:02}",
                "title": _plain(title)[0],
                "posts": list(_posts(body)),
            }


def claims(folder: Path = FOLDER) -> Iterator[dict[str, Any]]:
    """The marked claims as rows, each with the place of its target in the plain text."""
    for thread in threads(folder):
        for post in thread["posts"]:
            for row in post["claims"]:
                yield {"thread_id": thread["id"], "post_n": post["n"], **row}


def _posts(body: str) -> Iterator[dict[str, Any]]:
    marks = list(_POST.finditer(body))
    ends = [mark.start() for mark in marks[1:]] + [len(body)]
    for mark, end in zip(marks, ends, strict=True):
        text, found = _plain(body[mark.end() : end].strip())
        yield {"n": int(mark[1]), "author": mark[2], "text": text, "claims": found}


def _plain(marked: str) -> tuple[str, list[dict[str, Any]]]:
    text, found, last = "", [], 0
    for mark in _MARK.finditer(marked):
        text += marked[last : mark.start()]
        found.append(_row(mark[1], mark[2], mark[3], len(text)))
        text += mark[3]
        last = mark.end()
    return text + marked[last:], found


def _row(kind: str, codes: str, words: str, start: int) -> dict[str, Any]:
    speaker = next((SPEAKERS[c] for c in codes if c in SPEAKERS), "self")
    hedged = "h" in codes or speaker == "question"
    return {
        "kind": KINDS[kind],
        "target": words,
        "quote": words,
        "start": start,
        "outcome": next((OUTCOMES[c] for c in codes if c in OUTCOMES), None),
        "certainty": "negated" if "n" in codes else "hedged" if hedged else "asserted",
        "experiencer": speaker,
        "uncertain": 0,
    }
