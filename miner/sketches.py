"""What follows from a theme's claims alone, and how it is written down and read again.

Pure. A sketch is what `miner.drafts` tells of a theme before it looks at the others: the order of
its claims, names it may have, what is counted, and its parts. Its key is a digest of all that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from miner.identity import Group
from miner.model import Claim, Kind, Tally

__all__ = ["Sketch", "key_of", "mark", "opened", "read", "written"]


@dataclass(frozen=True, kw_only=True)
class Sketch:
    """A group of phrases as far as its own claims tell."""

    group: Group
    claims: tuple[Claim, ...]
    """Most typical first."""
    names: tuple[str, ...]
    """Candidates, best first."""
    facts: Mapping[str, Any]
    """Fields of a theme that are counted: tally, articles, conditions."""
    parts: tuple[Sketch, ...] = ()

    @property
    def tally(self) -> Tally:
        """Its members by stance."""
        tally: Tally = self.facts["tally"]
        return tally


def key_of(parts: Iterable[str]) -> str:
    """A digest of some texts in order."""
    return hashlib.sha256("\x1e".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def mark(claim: Claim) -> str:
    """All of a claim that a sketch depends on, beside its idea."""
    return (
        f"{claim.id}\x1f{claim.voice}\x1f{claim.author}\x1f{claim.written}\x1f{claim.experiencer}"
        f"\x1f{claim.assertion}\x1f{claim.outcome}\x1f{claim.condition}\x1f{claim.confidence!r}"
        f"\x1f{claim.means}"
    )


def written(sketch: Sketch, parts: Sequence[str] = ()) -> str:
    """The sketch as JSON, claims by their ids, parts by the keys they are kept by."""
    return json.dumps(_plain(sketch, parts), ensure_ascii=False, separators=(",", ":"))


def opened(text: str) -> Mapping[str, Any]:
    """What was written, to be read; empty for what is no sketch."""
    try:
        plain = json.loads(text)
    except ValueError:
        return {}
    return plain if isinstance(plain, dict) and isinstance(plain.get("parts"), list) else {}


def read(
    plain: Mapping[str, Any],
    kind: Kind,
    claims: Sequence[Claim],
    parts: Mapping[str, Mapping[str, Any]] | None = None,
) -> Sketch | None:
    """The sketch of these claims that was written; None for what does not fit them.

    `parts` are what was written of parts, by key; one that is missing makes it None.
    """
    try:
        return _sketch(plain, kind, {claim.id: claim for claim in claims}, parts or {})
    except (ValueError, KeyError, TypeError, IndexError):
        return None


def _plain(sketch: Sketch, parts: Sequence[str]) -> dict[str, Any]:
    return {
        "founder": sketch.group.founder,
        "phrases": sorted(sketch.group.phrases),
        "claims": [claim.id for claim in sketch.claims],
        "names": sketch.names,
        "tally": {name: count for name, count in asdict(sketch.tally).items() if count},
        "articles": sketch.facts["articles"],
        "conditions": sketch.facts["conditions"],
        "parts": list(parts),
    }


def _sketch(
    plain: Mapping[str, Any],
    kind: Kind,
    claims: Mapping[str, Claim],
    parts: Mapping[str, Mapping[str, Any]],
) -> Sketch:
    return Sketch(
        group=Group(
            kind=kind,
            founder=plain["founder"],
            claims=frozenset(plain["claims"]),
            phrases=frozenset(plain["phrases"]),
        ),
        claims=tuple(claims[id_] for id_ in plain["claims"]),
        names=tuple(plain["names"]),
        facts={
            "tally": Tally(**plain["tally"]),
            "articles": plain["articles"],
            "conditions": tuple(plain["conditions"]),
        },
        parts=tuple(_sketch(parts[key], kind, claims, parts) for key in plain["parts"]),
    )
