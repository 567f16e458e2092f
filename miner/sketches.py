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

__all__ = ["Sketch", "key_of", "mark", "read", "written"]


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


def written(sketch: Sketch) -> str:
    """The sketch as JSON, claims by their ids."""
    return json.dumps(_plain(sketch), ensure_ascii=False, separators=(",", ":"))


def read(text: str, kind: Kind, claims: Sequence[Claim]) -> Sketch | None:
    """The sketch of these claims that was written; None for what does not fit them."""
    try:
        return _sketch(json.loads(text), kind, {claim.id: claim for claim in claims})
    except (ValueError, KeyError, TypeError, IndexError):
        return None


def _plain(sketch: Sketch) -> dict[str, Any]:
    return {
        "founder": sketch.group.founder,
        "phrases": sorted(sketch.group.phrases),
        "claims": [claim.id for claim in sketch.claims],
        "names": sketch.names,
        "tally": {name: count for name, count in asdict(sketch.tally).items() if count},
        "articles": sketch.facts["articles"],
        "conditions": sketch.facts["conditions"],
        "parts": [_plain(part) for part in sketch.parts],
    }


def _sketch(plain: Mapping[str, Any], kind: Kind, claims: Mapping[str, Claim]) -> Sketch:
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
        parts=tuple(_sketch(part, kind, claims) for part in plain["parts"]),
    )
