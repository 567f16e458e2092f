"""Who does the steps that any machine can take a share of: this one, or a cluster, by name.

A crew gives back just what one process here would have concluded, in the same order; the pipeline
does not know which it has. Parts are loaded when asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Protocol, TypeVar, cast

from crawler.documents import Document, Thread
from miner import asking, conditions, engines
from miner.embed import Encoder, Vectors, encode_cached
from miner.errors import MinerError
from miner.model import Claim, MemberQuestion
from miner.partitions import whole
from miner.readers import Readers, cores

__all__ = ["CHUNK", "CREWS", "Crew", "Encode", "Here", "NoCrew", "Terms", "hired"]

CREWS = {
    "": "miner.crews:Here",
    "tcp": "miner.cluster:Cluster",
    "tls": "miner.cluster:Cluster",
    "ws": "miner.cluster:Cluster",
    "wss": "miner.cluster:Cluster",
}
"""Crews by the scheme of the address at which they are found; without an address, this machine."""
CHUNK = 512
"""Texts embedded at a time: what an interruption may cost."""

Key = TypeVar("Key")
Encode = Callable[[Sequence[str]], Vectors]
Show = Callable[[str, int, int | None], None]
Read = Callable[[], list[Claim]]
"""The claims of a document with their conditions; raises what reading it raised."""


class NoCrew(MinerError):
    """There is no crew at that address, or it is gone, or it would conclude something else."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a crew needs to know of the run."""

    engine: str
    """Name of what reads claims."""
    embedder: str
    encoder: Encoder
    """The embedder of that name, on this machine."""
    own: conditions.Conditions = ()
    """A person's own conditions."""
    processes: int = 0
    """So many read at once on this machine; 0 for as many as there are cores."""
    scheduler: str = ""
    """Address of a cluster's scheduler; empty for this machine alone."""
    show: Show = lambda *_: None


class Crew(Protocol):
    """Those who do the steps."""

    terms: Terms

    def claims(
        self,
        engine: engines.Engine,
        documents: Iterable[tuple[Key, Document | None]],
        encode: Encode,
    ) -> Generator[tuple[Key, Read], None, None]:
        """Each key with the way to its document's claims, in order; None has no claims.

        Documents are taken from the iterable a bounded number ahead of what is given back.
        """

    def vectors(self, texts: Sequence[str]) -> Iterator[dict[str, Vectors]]:
        """The vectors of distinct texts in order, some at a time."""

    def questions(self, threads: Iterable[Thread]) -> Iterator[Sequence[MemberQuestion]]:
        """What is asked in each thread, in order."""


def hired(terms: Terms) -> AbstractContextManager[Crew]:
    """The crew at the address of the terms; raises NoCrew."""
    scheme, parted, _ = terms.scheduler.partition("://")
    if scheme not in CREWS or bool(scheme) != bool(parted):
        known = ", ".join(f"{name}://" for name in CREWS if name)
        raise NoCrew(
            f"{terms.scheduler!r} is no address of a scheduler: it begins with one of {known}"
        )
    module, _, attribute = CREWS[scheme].partition(":")
    made = getattr(import_module(module), attribute)
    return cast("Callable[[Terms], AbstractContextManager[Crew]]", made)(terms)


class Here:
    """Documents are read by several processes of this machine, the rest by this one."""

    def __init__(self, terms: Terms) -> None:
        """Nothing is started before it is needed."""
        self.terms = terms
        # An endpoint is asked by one alone, who keeps count of what it costs.
        self.processes = 1 if terms.engine == "endpoint" else terms.processes or cores()

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *_: object) -> None:
        """Processes end with what they were started for."""

    def claims(
        self,
        engine: engines.Engine,
        documents: Iterable[tuple[Key, Document | None]],
        encode: Encode,
    ) -> Generator[tuple[Key, Read], None, None]:
        """Each key with the way to its document's claims, in order."""
        known = conditions.with_own(self.terms.own)
        both = (((key, document), document) for key, document in documents)
        with Readers(self.terms.engine, engine, self.processes) as readers:
            for (key, document), read in readers.each(both):
                yield key, partial(_read, read, document, encode, known)

    def vectors(self, texts: Sequence[str]) -> Iterator[dict[str, Vectors]]:
        """The vectors of distinct texts in order, some at a time."""
        for start in range(0, len(texts), CHUNK):
            yield encode_cached(self.terms.encoder, texts[start : start + CHUNK], {})[1]

    def questions(self, threads: Iterable[Thread]) -> Iterator[Sequence[MemberQuestion]]:
        """What is asked in each thread, in order."""
        return map(asking.questions, threads)


def _read(
    read: Read, document: Document | None, encode: Encode, known: conditions.Conditions
) -> list[Claim]:
    claims = whole(read(), document)
    return conditions.assign(claims, document, encode, known) if document else []
