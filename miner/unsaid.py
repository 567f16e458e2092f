"""Words that nobody says any more, taken out of the names that themes have of them.

A theme is named in members' words. Once one of them is forgotten, the name may be words that only
he said; until the next run names it anew, it is called by those of somebody who stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace

import sqlalchemy as sa

from crawler.database import batches
from miner.model import Claim, Theme
from miner.passages import spelled
from miner.rows import a_claim, a_theme, read
from miner.tables import claims, themes

__all__ = ["FORGOTTEN", "renamed", "said_in", "unsay"]

FORGOTTEN = "(forgotten)"
"""Stands for a name where nobody is left to name a theme."""


def said_in(
    connection: sa.Connection, key: str, parts: Sequence[tuple[str, str]] = ()
) -> dict[str, set[str]]:
    """By theme the words of an author, a document or `parts` in it; asked before they go."""
    where = [claims.c.author == key, claims.c.document == key]
    where += [sa.and_(claims.c.document == url, claims.c.part == part) for url, part in parts]
    found: dict[str, set[str]] = {}
    query = sa.select(claims.c.theme, claims.c.value).where(claims.c.theme.is_not(None))
    for some in batches(where):
        for row in connection.execute(query.where(sa.or_(*some))):
            found.setdefault(row.theme, set()).update(_words(read(a_claim, row.value)))
    return found


def unsay(connection: sa.Connection, gone: Mapping[str, Set[str]]) -> set[str]:
    """Those of the themes that were renamed, since nobody says their words any more."""
    changed = set()
    for key in sorted(gone):
        row = connection.scalar(sa.select(themes.c.value).where(themes.c.id == key))
        if row is None:
            continue
        left = connection.scalars(
            sa.select(claims.c.value).where(claims.c.theme == key).order_by(claims.c.place)
        )
        former = read(a_theme, row)
        now = renamed(former, (read(a_claim, one) for one in left), gone[key])
        if now != former:
            value = a_theme.dump_json(now).decode()
            change = themes.update().where(themes.c.id == key)
            connection.execute(change.values(name=now.name, value=value))
            changed.add(key)
    return changed


def renamed(theme: Theme, left: Iterable[Claim], gone: Set[str]) -> Theme:
    """The theme less the words that are gone, in those of the claims that are left.

    These come most typical first. A name that a person gave stays: his words are nobody's claim.
    """
    known: set[str] = set()
    phrase_of: dict[str, str] = {}
    for claim in left:
        phrase_of[claim.id] = claim.phrase
        known |= _words(claim)
    lost = gone - known

    def said(name: str, of: Iterable[str]) -> str:
        if lost.isdisjoint(spelled(name)):
            return name
        return next((phrase_of[key] for key in of if key in phrase_of), FORGOTTEN)

    return replace(
        theme,
        name=said(theme.name, phrase_of),
        keywords=tuple(word for word in theme.keywords if lost.isdisjoint(spelled(word))),
        parts=tuple(replace(part, name=said(part.name, part.claims)) for part in theme.parts),
    )


def _words(claim: Claim) -> set[str]:
    return {*spelled(claim.phrase), *spelled(claim.quote.text)}
