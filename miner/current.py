"""What holds now: the last run's conclusions with what people decided since.

A decision shows at once in names, claims and members' numbers, and one taken back does too. Gaps,
what contradicts what, and the grades of themes that were merged or split follow at the next run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crawler.database import Engine
from miner import judgements
from miner.coverage import covered
from miner.decisions import corrected, decided, facts, overruled, recounted, without_dismissed
from miner.identity import fates
from miner.knowledge import Knowledge, Version
from miner.model import (
    Claim,
    Contradiction,
    Decision,
    Evidence,
    Gap,
    Grade,
    Kind,
    MemberQuestion,
    Theme,
)
from miner.roll import spoken
from miner.undoing import restored_claims, restored_grades, taken_back

__all__ = ["Current", "Since"]


@dataclass(frozen=True, kw_only=True)
class Since:
    """What people decided since the last run."""

    new: tuple[Decision, ...] = ()
    """Made, or put in force again, and not followed by a run."""
    back: tuple[Decision, ...] = ()
    """Followed by the last run and taken back since."""

    def __bool__(self) -> bool:
        return bool(self.new or self.back)


@dataclass(frozen=True, kw_only=True)
class _View:
    """The themes as they are now, and which of them are no longer as stored."""

    themes: Mapping[str, Theme]
    moved_to: Mapping[str, str]
    changed: frozenset[str]
    """Ids of themes whose claims differ from the stored ones, those that are gone too."""


class Current(Knowledge):
    """The derived store as it reads with the decisions made since the last run."""

    def __init__(self, engine: Engine) -> None:
        """Opens the store; raises StoreError."""
        super().__init__(engine)
        self._known: tuple[Version, Since, _View] | None = None

    def since(self) -> Since:
        """What was decided since the last run."""
        return self._now()[0]

    def themes(self, kind: Kind | None = None) -> list[Theme]:
        """Themes as they are now, most authors first."""
        since, view = self._now()
        if not since:
            return super().themes(kind)
        found = [theme for theme in view.themes.values() if kind in (None, theme.kind)]
        return sorted(found, key=lambda theme: (-theme.tally.authors, theme.id))

    def theme(self, theme_id: str) -> Theme | None:
        """The theme of that id, or the one an old id or a merge redirects to."""
        since, view = self._now()
        if not since:
            return super().theme(theme_id)
        at = _followed(theme_id, view.moved_to)
        if at in view.themes:
            return view.themes[at]
        stored = super().theme(at)
        return view.themes.get(_followed(stored.id, view.moved_to)) if stored else None

    def claims(
        self,
        *,
        theme: str | None = None,
        document: str | None = None,
        ids: Sequence[str] | None = None,
    ) -> list[Claim]:
        """Claims as they are read now; those of a theme in its order."""
        since, view = self._now()
        if not since:
            return super().claims(theme=theme, document=document, ids=ids)
        if theme in view.changed and document is None and ids is None:
            here = view.themes.get(theme or "")
            return self.claims(ids=here.claims) if here else []
        found = super().claims(theme=theme, document=document, ids=ids)
        found = corrected(restored_claims(found, since.back), since.new)
        place = {key: n for n, key in enumerate(ids or ())}
        return sorted(found, key=lambda claim: place[claim.id]) if ids is not None else found

    def theme_of(self) -> dict[str, str]:
        """Theme id by claim id, as it is now."""
        since, view = self._now()
        stored = super().theme_of()
        if not since:
            return stored
        kept = {claim: theme for claim, theme in stored.items() if theme not in view.changed}
        for id_ in view.changed & view.themes.keys():
            kept |= dict.fromkeys(view.themes[id_].claims, id_)
        return kept

    def spoken(self, without: Collection[str] = ()) -> list[Sequence[Any]]:
        """A row for the roll of each claim, as it is read now."""
        since, view = self._now()
        if not since:
            return super().spoken(without)
        read = {d.target for d in (*since.new, *since.back) if d.action == "outcome"}
        anew = view.changed | {t.id for t in view.themes.values() if not read.isdisjoint(t.claims)}
        rows = super().spoken({*without, *anew})
        for id_ in sorted((anew & view.themes.keys()) - set(without)):
            rows += [spoken(claim, id_) for claim in self.claims(theme=id_)]
        return rows

    def evidence(self, theme: str | None = None) -> list[Evidence]:
        """What articles and studies say; of merged themes under the one they went into."""
        since, view = self._now()
        if not since or not view.moved_to:
            return _judged(super().evidence(theme), since)
        found: dict[str, Evidence] = {}
        for piece in _judged(super().evidence(), since):
            at = _followed(piece.theme, view.moved_to)
            if theme in (None, at):
                moved = piece if at == piece.theme else replace(piece, theme=at)
                found.setdefault(moved.id, moved)
        return list(found.values())

    def grades(self, theme: str | None = None) -> list[Grade]:
        """Grades, as people set them."""
        since, view = self._now()
        found = super().grades(theme)
        if not since:
            return found
        found = overruled(restored_grades(found, since.back), since.new)
        return [grade for grade in found if grade.theme in view.themes]

    def gaps(self) -> list[Gap]:
        """Gaps of themes that are still there, as the last run saw them."""
        since, view = self._now()
        found = super().gaps()
        return [gap for gap in found if not since or gap.theme in view.themes]

    def contradictions(self, theme: str | None = None) -> list[Contradiction]:
        """Contradictions that nobody dismissed."""
        since, view = self._now()
        found = without_dismissed(super().contradictions(theme), self.decisions())
        return [one for one in found if not since or one.theme in view.themes]

    def questions(self) -> list[MemberQuestion]:
        """What members ask, with the themes as they are now."""
        since, view = self._now()
        found = super().questions()
        if not since:
            return found
        return [replace(one, themes=_present(one.themes, view)) for one in found]

    def _now(self) -> tuple[Since, _View]:
        """What was decided since the last run and what it makes of the themes, once a version."""
        version = self.version()
        known = self._known
        if known is None or known[0] != version:
            since = self._since()
            known = self._known = (version, since, self._view(since))
        return known[1], known[2]

    def _since(self) -> Since:
        last = self.last_run()
        followed = set(last.decisions) if last else set()
        kept = [one for one in self.history() if one.decision.action != "undo"]
        return Since(
            new=tuple(k.decision for k in kept if not k.undone and k.decision.id not in followed),
            back=tuple(k.decision for k in kept if k.undone and k.decision.id in followed),
        )

    def _view(self, since: Since) -> _View:
        if not since:
            return _View(themes={}, moved_to={}, changed=frozenset())
        stored = super().themes()
        led = fates(self.events(), {theme.id for theme in stored}).merged
        claims = self._concerned(stored, [*since.new, *since.back], led)
        before, undone = taken_back(stored, restored_claims(claims, since.back), since.back, led)
        now, done = decided(before, corrected(claims, since.new), since.new, led)
        now = _counted_anew(now, since, claims)
        moved_to = {e.theme: e.into for e in (*undone, *done) if e.into and e.kind == "merged"}
        by_id = {theme.id: theme for theme in now}
        were = {theme.id: theme for theme in stored}
        changed = frozenset(
            id_
            for id_ in were.keys() | by_id.keys()
            if _claims_of(were, id_) != _claims_of(by_id, id_)
        )
        last = self.last_run()
        own = set(last.own) if last else set()
        for id_ in changed & by_id.keys():
            whence = [id_, *(gone for gone in moved_to if _followed(gone, moved_to) == id_)]
            told = self._articles(by_id[id_], whence, claims)
            by_id[id_] = covered(by_id[id_], told, own)
        return _View(themes=by_id, moved_to=moved_to, changed=changed)

    def _articles(self, theme: Theme, whence: Iterable[str], claims: Iterable[Claim]) -> set[str]:
        """The articles that speak of a theme, in claims or in evidence of these themes."""
        own = set(theme.claims)
        told = {c.quote.document for c in claims if c.voice == "article" and c.id in own}
        pieces = (piece for id_ in whence for piece in Knowledge.evidence(self, id_))
        return told | {piece.quote.document for piece in pieces if piece.quote}

    def _concerned(
        self, stored: Sequence[Theme], given: Iterable[Decision], led: Mapping[str, str]
    ) -> list[Claim]:
        """The claims of every theme that the decisions name, themselves or by one of its claims."""
        named = {_followed(str(name), led) for d in given for name in (d.target, *_words(d))}
        chosen = [t for t in stored if t.id in named or not named.isdisjoint(t.claims)]
        known = {c.id: c for t in chosen for c in Knowledge.claims(self, theme=t.id)}
        loose = [name for name in named if name not in known and len(name) == CLAIM_ID]
        return [*known.values(), *Knowledge.claims(self, ids=loose)]


CLAIM_ID = 16
"""Length of a claim's id."""


def _present(themes: Iterable[str], view: _View) -> tuple[str, ...]:
    """The themes that are still there, merged ones under what they went into, each once."""
    now = (_followed(id_, view.moved_to) for id_ in themes)
    return tuple(dict.fromkeys(id_ for id_ in now if id_ in view.themes))


def _words(decision: Decision) -> Iterable[object]:
    """What a decision's value names."""
    value = decision.value
    claims = value.get("claims")
    listed = claims if isinstance(claims, (list, tuple)) else ()
    return (value.get("into"), value.get("theme"), value.get("from"), *listed)


def _counted_anew(
    themes: Sequence[Theme], since: Since, claims: Sequence[Claim]
) -> tuple[Theme, ...]:
    """The themes with tallies that know the outcomes read since."""
    read = {d.target for d in (*since.new, *since.back) if d.action == "outcome"}
    if not read:
        return tuple(themes)
    now = corrected(restored_claims(claims, since.back), since.new)
    by_id = {claim.id: claim for claim in now}
    return tuple(
        theme
        if read.isdisjoint(theme.claims)
        else replace(
            theme,
            tally=facts([by_id[c] for c in theme.claims if c in by_id])["tally"],
            parts=recounted(theme, by_id).parts,
        )
        for theme in themes
    )


def _judged(found: Sequence[Evidence], since: Since) -> list[Evidence]:
    """The evidence as people judge it now."""
    return judgements.decided(judgements.restored(found, since.back), since.new)


def _claims_of(themes: Mapping[str, Theme], id_: str) -> tuple[str, ...]:
    return themes[id_].claims if id_ in themes else ()


def _followed(id_: str, moved_to: Mapping[str, str]) -> str:
    """Where an id leads in the end."""
    seen = set()
    while id_ in moved_to and id_ not in seen:
        seen.add(id_)
        id_ = moved_to[id_]
    return id_
