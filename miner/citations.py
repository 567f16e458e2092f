"""Studies that a sentence cites: by footnote into a list of references, by DOI or by PMID."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from crawler.documents import Reference
from miner.phrases import normalise

__all__ = ["Citation", "cited_by", "footnotes", "is_marked"]

_GLUED = r"(?<=[a-z.,;:\"”)])(\d{1,2})(?=\s|$|[.,;)])(?![.,]?\d)"
"""A footnote digit behind a word or a closing mark."""
_BRACKETED = r"\[(\d{1,3}(?:\s?[,–-]\s?\d{1,3})*)\]"


def is_marked(text: str) -> bool:
    """Whether the sentence carries a footnote."""
    return bool(re.search(_GLUED, text) or re.search(_BRACKETED, text))


def footnotes(text: str, references: Sequence[Reference]) -> list[Reference]:
    """References whose numbers the sentence carries, as `word.7`, `[7]` or `[1, 2]`."""
    bracketed = [n for group in re.findall(_BRACKETED, text) for n in _numbers(group)]
    places = [*(int(n) for n in re.findall(_GLUED, text)), *bracketed]
    return [references[place - 1] for place in places if 0 < place <= len(references)]


def _numbers(group: str) -> list[int]:
    """The numbers of `1, 3-5`, with those between."""
    found: list[int] = []
    for part in group.split(","):
        ends = [int(n) for n in re.findall(r"\d+", part)]
        found += range(ends[0], min(ends[-1], ends[0] + 50) + 1)
    return found


_DOI = re.compile(
    r"\b10\.\d{4,9}/(?:[^\s\"<>()\[\]]|\([^\s\"<>()\[\]]*\))*"
    r"(?:[^\s\"<>()\[\].,;:]|\([^\s\"<>()\[\]]*\))"
)
"""A DOI with brackets only where they are closed again, and no mark at its end."""
_PMID = re.compile(r"\bpmid:?\s?(\d{5,9})\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Citation:
    """One study that a sentence cites, by its names."""

    doi: str | None = None
    pmid: str | None = None
    text: str = ""
    """The entry of the list of references."""

    @property
    def names(self) -> tuple[str, ...]:
        """DOI and PMID as the library has them."""
        return tuple(n for n in (self.doi, f"pmid:{self.pmid}" if self.pmid else None) if n)

    @property
    def identity(self) -> str | None:
        """DOI and PMID; without them a mark that two entries with the same words share."""
        if self.names or not self.text:
            return " ".join(self.names) or None
        return "reference:" + hashlib.sha256(normalise(self.text).encode()).hexdigest()[:12]


def cited_by(text: str, references: Sequence[Reference]) -> list[Citation]:
    """Studies the sentence names by identifier or by footnote, each once; empty for none."""
    cited = []
    if _DOI.search(text) or _PMID.search(text):
        dois, pmids = [d.lower() for d in _DOI.findall(text)], _PMID.findall(text)
        if len(dois) == len(pmids) == 1:
            return [Citation(doi=dois[0], pmid=pmids[0])]
        cited = [Citation(doi=d) for d in dois] + [Citation(pmid=p) for p in pmids]
    else:
        cited = [
            Citation(doi=r.doi.lower() if r.doi else None, pmid=r.pmid, text=r.text)
            for r in footnotes(text, references)
        ]
    return list(dict.fromkeys(cited))
