"""The regression set: short posts and threads of our own wording with their claims marked.

`== name` opens a hard case; a blank line parts its items. A line `# …` is a title, `a| …` opens a
post by that author; an item without either is one post. A claim is `[CODE words]`: the kind (C
cause, T trigger, D diagnosis, R remedy, X never a claim), then the outcome (+ helped, ~ mixed,
0 no effect, - worse, ? unknown), h hedged or n negated, o other, a advice or q question. Behind it
may stand `{field=value; …}` with what else must be read: means, time, basis, or verdict (words that
must be in it), and beside (how many).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from crawler.documents import Post, Source, Thread
from miner.model import Claim

FOLDER = Path(__file__).parent / "regression"
KINDS = {"C": "cause", "T": "trigger", "D": "diagnosis", "R": "remedy", "X": "never"}
OUTCOMES = {"+": "helped", "~": "mixed", "0": "no_effect", "-": "worse"}
_MARK = re.compile(r"\[([CTDRX])([-+~0?hnoaq]*) ([^\[\]]+)\](?:\{([^{}]*)\})?")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A claim that must be found, or with kind `never` words that are none."""

    part: str
    kind: str
    start: int
    end: int
    outcome: str
    fields: tuple[tuple[str, str], ...] = ()
    """What else must be read of it."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """A thread with what must be read in it."""

    case: str
    thread: Thread
    wanted: tuple[Wanted, ...]


def items() -> Iterator[Item]:
    """Every item of the set."""
    for path in sorted(FOLDER.glob("*.txt")):
        for section in re.split(r"^== ", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
            case, _, body = section.partition("\n")
            for number, block in enumerate(re.split(r"\n\s*\n", body.strip())):
                yield _item(case, f"{case} {number}", block)


def _item(case: str, name: str, block: str) -> Item:
    title, wanted = "", []
    if block.startswith("# "):
        title, _, block = block.partition("\n")
        title, some = _plain("title", title.removeprefix("# "))
        wanted += some
    posts = []
    said_by = [one for one in re.split(r"^(?=[a-z]\| )", block, flags=re.MULTILINE) if one.strip()]
    for number, said in enumerate(said_by, 1):
        author, _, text = said.rpartition("| ") if re.match(r"[a-z]\| ", said) else ("a", "", said)
        text, some = _plain(str(number), text.strip())
        posts.append((author[:1], text))
        wanted += some
    source = Source(
        url=name, site="forum.example", fetched=datetime(2026, 1, 1, tzinfo=UTC), engine="test"
    )
    thread = Thread(
        source=source,
        title=title,
        posts=tuple(
            Post(id=str(n), number=n, text=text, author=author)
            for n, (author, text) in enumerate(posts, 1)
        ),
    )
    return Item(case=case, thread=thread, wanted=tuple(wanted))


def _plain(part: str, marked: str) -> tuple[str, list[Wanted]]:
    text, found, last = "", [], 0
    for mark in _MARK.finditer(marked):
        text += marked[last : mark.start()]
        outcome = next((OUTCOMES[c] for c in mark[2] if c in OUTCOMES), "unknown")
        place = {"start": len(text), "end": len(text) + len(mark[3])}
        fields = tuple(
            (name.strip(), value.strip())
            for name, _, value in (one.partition("=") for one in (mark[4] or "").split(";"))
            if value
        )
        found.append(
            Wanted(part=part, kind=KINDS[mark[1]], outcome=outcome, fields=fields, **place)
        )
        text += mark[3]
        last = mark.end()
    return text + marked[last:], found


def found_as(wanted: Wanted, claims: list[Claim]) -> Claim | None:
    """The claim that stands where one is wanted and is of its kind (any, where none is)."""
    for claim in claims:
        start, end = claim.phrase_start, claim.phrase_start + len(claim.phrase)
        shared = min(end, wanted.end) - max(start, wanted.start)
        if (
            claim.quote.part == wanted.part
            and wanted.kind in ("never", claim.kind)
            and shared * 2 >= min(end - start, wanted.end - wanted.start)
        ):
            return claim
    return None


def says(claim: Claim, field: str, value: str) -> bool:
    """Whether a field of a claim is as wanted."""
    if field == "verdict":
        return claim.verdict is not None and value.lower() in claim.verdict.text.lower()
    if field == "means":
        return claim.means is not None and value.lower() in claim.means.lower()
    if field == "beside":
        return len(claim.beside) == int(value)
    return bool(getattr(claim, field) == value)


@dataclass(kw_only=True)
class Score:
    """Counts over items: claims found, missed and wrong, outcomes right, words wrongly taken."""

    found: int = 0
    missed: int = 0
    wrong: int = 0
    outcomes: int = 0
    remedies: int = 0
    taken: int = 0
    fields: int = 0
    """Further fields asked for of claims that were found, and how many of them are right."""
    right: int = 0

    @property
    def f1(self) -> float:
        """F1 of detection."""
        return 2 * self.found / max(2 * self.found + self.missed + self.wrong, 1)

    def add(self, item: Item, claims: list[Claim]) -> None:
        """Count one item."""
        matched: set[str] = set()
        for wanted in item.wanted:
            claim = found_as(wanted, [c for c in claims if c.id not in matched])
            if wanted.kind == "never":
                self.taken += claim is not None
                continue
            self.found += claim is not None
            self.missed += claim is None
            if claim is not None:
                matched.add(claim.id)
                self.remedies += wanted.kind == "remedy"
                self.outcomes += wanted.kind == "remedy" and claim.outcome == wanted.outcome
                self.fields += len(wanted.fields)
                self.right += sum(says(claim, name, value) for name, value in wanted.fields)
        self.wrong += len([c for c in claims if c.id not in matched])
