"""The derived store and the decisions: what mining concluded, and what a person changed.

The conclusions are replaced as a whole in one transaction, so that an interrupted run leaves the
last good ones in place. Caches of extracted claims, of answers and of vectors outlive a run and
make the next one cheap; they can be dropped at any time. Decisions are collected: no run touches
them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.dialects import postgresql, sqlite

from crawler.database import contains, explained, migrate
from miner import index, snapshots
from miner.ledger import Kept, Ledger
from miner.model import (
    Claim,
    Contradiction,
    Decision,
    Evidence,
    Gap,
    Grade,
    Kind,
    Mined,
    Theme,
    ThemeEvent,
)
from miner.tables import (
    STEPS,
    answers,
    claims,
    contradictions,
    decisions,
    events,
    evidence,
    extractions,
    gaps,
    grades,
    runs,
    themes,
    vectors,
)

__all__ = ["Knowledge", "Run", "Version", "claims_key"]

Vector = npt.NDArray[np.float32]

_claim = TypeAdapter(Claim)
_claims = TypeAdapter(list[Claim])
_theme = TypeAdapter(Theme)
_event = TypeAdapter(ThemeEvent)

BATCH = 500
"""Values bound at a time: below every database's limit."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run of the miner did, and with what."""

    started: datetime
    finished: datetime
    fingerprint: str
    """Digest of corpus, settings, decisions and code: equal means nothing to do."""
    settings_hash: str
    models: Mapping[str, str] = field(default_factory=dict)
    """Part to version, such as `embedder` to `all-MiniLM-L6-v2`."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Documents in, claims, themes and so on out."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Time by stage."""
    failures: Mapping[str, str] = field(default_factory=dict)
    """Documents that could not be mined, with the reason."""
    decisions: tuple[int, ...] = ()
    """Ids of the decisions it followed."""
    id: int | None = None


_run = TypeAdapter(Run)

Item = TypeVar("Item")


@dataclass(frozen=True)
class Version:
    """State of the store: whoever caches what it read keys the cache by this."""

    run: int
    decision: int


class Knowledge:
    """What was concluded about a project's corpus."""

    def __init__(self, engine: sa.Engine) -> None:
        """Opens the store and brings its tables up to date; raises StoreError."""
        self.engine = engine
        migrate(engine, "knowledge", STEPS)
        migrate(engine, "search", index.STEPS)
        migrate(engine, "snapshots", snapshots.STEPS)

    # Conclusions

    def replace(self, run: Run, mined: Mined) -> Run:
        """The run with its id, after its conclusions took the place of the former ones."""
        with explained(self.engine), self.engine.begin() as connection:
            number = _write_run(connection, run)
            for table in (claims, themes, evidence, grades, gaps, contradictions):
                connection.execute(table.delete())
            _insert(connection, claims, _claim_rows(mined))
            _insert(connection, themes, map(_theme_row, mined.themes))
            _insert(connection, evidence, (_owned(item, item.id) for item in mined.evidence))
            _insert(connection, grades, (_owned(item, item.theme) for item in mined.grades))
            _insert(connection, gaps, (_owned(item, item.theme) for item in mined.gaps))
            _insert(connection, contradictions, (_owned(i, i.id) for i in mined.contradictions))
            _insert(connection, events, (_event_row(number, item) for item in mined.events))
            snapshots.write(connection, number, run.finished, mined)
        return _with_id(run, number)

    def last_run(self) -> Run | None:
        """The run whose conclusions are shown; None before the first."""
        found = self.runs(limit=1)
        return found[0] if found else None

    def runs(self, limit: int = 50) -> list[Run]:
        """Runs, latest first."""
        query = sa.select(runs.c.id, runs.c.fingerprint, runs.c.value)
        return [
            replace(_run.validate_json(row.value), id=row.id, fingerprint=row.fingerprint)
            for row in self._rows(query.order_by(runs.c.id.desc()).limit(limit))
        ]

    def version(self) -> Version:
        """Changes whenever a run or a decision was added."""
        query = sa.select(
            sa.select(sa.func.coalesce(sa.func.max(runs.c.id), 0)).scalar_subquery().label("run"),
            sa.select(sa.func.coalesce(sa.func.sum(decisions.c.id), 0))
            .where(decisions.c.undone.is_(False))
            .scalar_subquery()
            .label("decision"),
        )
        row = self._rows(query)[0]
        return Version(run=row.run, decision=row.decision)

    def themes(self, kind: Kind | None = None) -> list[Theme]:
        """Themes, most authors first."""
        query = sa.select(themes.c.value).order_by(themes.c.authors.desc(), themes.c.id)
        if kind is not None:
            query = query.where(themes.c.kind == kind)
        return [_theme.validate_json(row.value) for row in self._rows(query)]

    def theme(self, theme_id: str) -> Theme | None:
        """The theme of that id, or the one an old id redirects to."""
        for _hop in range(20):
            found = self._rows(sa.select(themes.c.value).where(themes.c.id == theme_id))
            if found:
                return _theme.validate_json(found[0].value)
            query = sa.select(events.c.into).where(
                events.c.theme == theme_id, events.c.into.is_not(None)
            )
            onward = self._rows(query.order_by(events.c.row.desc()).limit(1))
            if not onward:
                return None
            theme_id = onward[0].into
        return None

    def claims(
        self,
        *,
        theme: str | None = None,
        document: str | None = None,
        ids: Sequence[str] | None = None,
    ) -> list[Claim]:
        """Claims, most typical of their theme first; all, or of a theme, a document, or by id."""
        query = sa.select(claims.c.value).order_by(claims.c.theme, claims.c.place, claims.c.id)
        if theme is not None:
            query = query.where(claims.c.theme == theme)
        if document is not None:
            query = query.where(claims.c.document == document)
        if ids is None:
            return [_claim.validate_json(row.value) for row in self._rows(query)]
        queries = (query.where(claims.c.id.in_(some)) for some in _batches(ids))
        return [_claim.validate_json(row.value) for q in queries for row in self._rows(q)]

    def each_claim(
        self, of: Collection[str] | None = None, *, by: Literal["theme", "document"] = "theme"
    ) -> Iterator[tuple[str, Claim]]:
        """Theme id and claim, one after the other, so that memory does not grow with them.

        Of all themes or of some, by theme (most typical first) or by document and part. Claims
        without a theme, such as rejected ones, are passed over.
        """
        columns = (claims.c.theme, claims.c.place)
        order = columns if by == "theme" else (claims.c.document, claims.c.part)
        query = sa.select(claims.c.theme, claims.c.value).where(claims.c.theme.is_not(None))
        if of is not None:
            query = query.where(claims.c.theme.in_(sorted(of)))
        with explained(self.engine), self.engine.connect() as connection:
            streamed = connection.execution_options(yield_per=BATCH)
            for row in streamed.execute(query.order_by(*order, claims.c.id)):
                yield row.theme, _claim.validate_json(row.value)

    def theme_of(self) -> dict[str, str]:
        """Theme id by claim id."""
        query = sa.select(claims.c.id, claims.c.theme).where(claims.c.theme.is_not(None))
        return {row.id: row.theme for row in self._rows(query)}

    def evidence(self, theme: str | None = None) -> list[Evidence]:
        """What articles and studies say, of one theme or of all."""
        return self._values(evidence, Evidence, theme)

    def grades(self, theme: str | None = None) -> list[Grade]:
        """Grades; of a theme the one over all conditions comes first."""
        return self._values(grades, Grade, theme)

    def gaps(self) -> list[Gap]:
        """Gaps, highest score first."""
        return self._values(gaps, Gap)

    def contradictions(self, theme: str | None = None) -> list[Contradiction]:
        """Contradictions, of one theme or of all."""
        return self._values(contradictions, Contradiction, theme)

    def events(self, run: int | None = None) -> list[ThemeEvent]:
        """What happened to themes, in one run or ever."""
        query = sa.select(events.c.value).order_by(events.c.row)
        if run is not None:
            query = query.where(events.c.run == run)
        return [_event.validate_json(row.value) for row in self._rows(query)]

    # Caches

    def extracted(self, document: str, key: str) -> list[Claim] | None:
        """Claims found before in the same content by the same extractor."""
        query = sa.select(extractions.c.value).where(
            extractions.c.document == document, extractions.c.key == key
        )
        found = self._rows(query)
        return _claims.validate_json(found[0].value) if found else None

    def keep_extracted(self, document: str, key: str, found: Sequence[Claim]) -> None:
        """Keeps the claims of a document at once, so that an interrupted run resumes there."""
        value = _claims.dump_json(list(found)).decode()
        row = {"document": document, "key": key, "value": value}
        with explained(self.engine), self.engine.begin() as connection:
            connection.execute(extractions.delete().where(extractions.c.document == document))
            _insert_new(connection, extractions, [row])

    def answer(self, document: str, key: str) -> str | None:
        """What a chat model said before to the same question."""
        query = sa.select(answers.c.value).where(
            answers.c.document == document, answers.c.key == key
        )
        found = self._rows(query)
        return str(found[0].value) if found else None

    def keep_answer(self, document: str, key: str, value: str) -> None:
        """Keeps an answer at once, so that no question is asked twice."""
        row = {"document": document, "key": key, "value": value}
        with explained(self.engine), self.engine.begin() as connection:
            _insert_new(connection, answers, [row])

    def keep_answers(self, document: str, keys: Iterable[str]) -> None:
        """Forgets the other answers of a document: they are on texts that are no more."""
        here = answers.c.document == document
        with explained(self.engine), self.engine.begin() as connection:
            known = set(connection.scalars(sa.select(answers.c.key).where(here)))
            for some in _batches(sorted(known - set(keys))):
                connection.execute(answers.delete().where(here, answers.c.key.in_(some)))

    def prune(self, documents: Iterable[str], model: str, texts: Iterable[str]) -> int:
        """How many documents' cached claims and answers went, since the corpus has them no more.

        Of the cached vectors those of the model's `texts` stay: the others are of words that
        nobody says any more, or of a model no longer used.
        """
        with explained(self.engine), self.engine.begin() as connection:
            cached = set(connection.scalars(sa.select(extractions.c.document)))
            cached |= set(connection.scalars(sa.select(answers.c.document).distinct()))
            gone = sorted(cached - set(documents))
            for some in _batches(gone):
                for table in (extractions, answers):
                    connection.execute(table.delete().where(table.c.document.in_(some)))
            connection.execute(vectors.delete().where(vectors.c.model != model))
            known = set(connection.scalars(sa.select(vectors.c.text)))
            for some in _batches(sorted(known - set(map(_text_key, texts)))):
                connection.execute(vectors.delete().where(vectors.c.text.in_(some)))
        return len(gone)

    def vectors(self, model: str, texts: Sequence[str]) -> dict[str, Vector]:
        """Known vectors by text."""
        known: dict[str, Vector] = {}
        for some in _batches(texts):
            by_key = {_text_key(text): text for text in some}
            query = sa.select(vectors.c.text, vectors.c.value).where(
                vectors.c.model == model, vectors.c.text.in_(by_key)
            )
            for row in self._rows(query):
                known[by_key[row.text]] = np.frombuffer(row.value, dtype=np.float32)
        return known

    def keep_vectors(self, model: str, new: Mapping[str, Vector]) -> None:
        """Keeps vectors by text; those already known stay as they are."""
        rows = (
            {
                "model": model,
                "text": _text_key(text),
                "value": np.asarray(vector, dtype=np.float32).tobytes(),
            }
            for text, vector in new.items()
        )
        with explained(self.engine), self.engine.begin() as connection:
            _insert_new(connection, vectors, rows)

    # Decisions

    def decide(self, decision: Decision) -> int:
        """Id of the decision, now kept."""
        return Ledger(self.engine).decide(decision)

    def undo(self, decision: int, by: Decision | None = None) -> None:
        """Takes a decision back; it stays in the history, and so does `by`, which says who did."""
        Ledger(self.engine).undo(decision, by)

    def decisions(self) -> list[Decision]:
        """Decisions in force, oldest first."""
        return [k.decision for k in self.history() if not k.undone and k.decision.action != "undo"]

    def history(self) -> list[Kept]:
        """All decisions ever made, oldest first, those taken back too."""
        return Ledger(self.engine).history()

    def uncertain(self, limit: int, without: Iterable[str] = ()) -> list[Claim]:
        """Members' claims in themes but those of `without`, the least certain first."""
        passed = set(without)
        unsure = sa.func.abs(claims.c.confidence - 0.5)
        query = (
            sa.select(claims.c.id)
            .where(claims.c.voice == "member", claims.c.theme.is_not(None))
            .order_by(unsure, claims.c.id)
            .limit(limit + len(passed))
        )
        ids = [row.id for row in self._rows(query) if row.id not in passed][:limit]
        by_id = {claim.id: claim for claim in self.claims(ids=ids)}
        return [by_id[key] for key in ids if key in by_id]

    def drawn(self, count: int) -> list[Claim]:
        """Members' claims in themes, drawn by lot: ids are digests, the first ones are taken."""
        query = sa.select(claims.c.value).where(
            claims.c.voice == "member", claims.c.theme.is_not(None)
        )
        rows = self._rows(query.order_by(claims.c.id).limit(count))
        return [_claim.validate_json(row.value) for row in rows]

    # Forgetting

    def forget(self, key: str, parts: Sequence[tuple[str, str]] = ()) -> int:
        """How many claims and pieces of evidence went with an author, a document or `parts`.

        `parts` are document address and part of what the corpus forgets with the key
        (`Corpus.parts_of`). The cached claims and answers of the documents concerned go too, and
        all cached vectors, since they are made of words; the next run counts anew. A key of which
        nothing is known changes nothing.
        """
        with explained(self.engine), self.engine.begin() as connection:
            count, touched = _forget_claims(connection, key, parts)
            count += _forget_evidence(connection, key, parts)
            index.forget(connection, key, parts)
            cached = 0
            for some in _batches(sorted({key, *touched, *(document for document, _ in parts)})):
                for table in (extractions, answers):
                    gone = table.delete().where(table.c.document.in_(some))
                    cached += connection.execute(gone).rowcount
            if count or cached or parts:
                connection.execute(vectors.delete())
                connection.execute(runs.update().values(fingerprint=""))
        return count

    def _rows(self, query: sa.Select[Any]) -> Sequence[Any]:
        with explained(self.engine), self.engine.connect() as connection:
            return connection.execute(query).all()

    def _values(self, table: sa.Table, of: type[Any], theme: str | None = None) -> list[Any]:
        query = sa.select(table.c.value).order_by(table.c.row)
        if theme is not None:
            query = query.where(table.c.theme == theme)
        adapter = TypeAdapter(of)
        return [adapter.validate_json(row.value) for row in self._rows(query)]


def _write_run(connection: sa.Connection, run: Run) -> int:
    value = _run.dump_json(run).decode()
    row = {
        "started": run.started,
        "finished": run.finished,
        "fingerprint": run.fingerprint,
        "settings_hash": run.settings_hash,
        "value": value,
    }
    key = connection.execute(runs.insert().values(**row)).inserted_primary_key
    return int(key[0]) if key else 0


def _with_id(value: Run, number: int) -> Run:
    return replace(value, id=number)


def _owned(value: Evidence | Grade | Gap | Contradiction, key: str) -> dict[str, Any]:
    dumped = TypeAdapter(type(value)).dump_json(value).decode()
    return {"id": key, "theme": value.theme, "value": dumped}


def _claim_rows(mined: Mined) -> Iterable[dict[str, Any]]:
    places = {key: place for theme in mined.themes for place, key in enumerate(theme.claims)}
    for claim in mined.claims:
        yield {
            "id": claim.id,
            "theme": mined.theme_of.get(claim.id),
            "kind": claim.kind,
            "voice": claim.voice,
            "document": claim.quote.document,
            "part": claim.quote.part,
            "author": claim.author,
            "condition": claim.condition,
            "written": claim.written,
            "place": places.get(claim.id, 0),
            "confidence": claim.confidence,
            "value": _claim.dump_json(claim).decode(),
        }


def _theme_row(theme: Theme) -> dict[str, Any]:
    return {
        "id": theme.id,
        "kind": theme.kind,
        "name": theme.name,
        "authors": theme.tally.authors,
        "value": _theme.dump_json(theme).decode(),
    }


def _event_row(run: int, item: ThemeEvent) -> dict[str, Any]:
    value = _event.dump_json(item).decode()
    return {"run": run, "theme": item.theme, "into": item.into, "value": value}


def _forget_claims(
    connection: sa.Connection, key: str, parts: Sequence[tuple[str, str]]
) -> tuple[int, set[str]]:
    """How many claims went, and the documents they were made in."""
    where = [claims.c.author == key, claims.c.document == key]
    where += [sa.and_(claims.c.document == url, claims.c.part == part) for url, part in parts]
    count, touched = 0, set[str]()
    for some in _batches(where):
        gone = sa.or_(*some)
        touched |= set(connection.scalars(sa.select(claims.c.document).where(gone)))
        count += connection.execute(claims.delete().where(gone)).rowcount
    return count, touched


def _forget_evidence(connection: sa.Connection, key: str, parts: Sequence[tuple[str, str]]) -> int:
    """How many pieces of evidence went whose quote stands in the document or the parts."""
    signs = [f'"document":{_json_text(key)},']
    signs += [f'"document":{_json_text(url)},"part":{_json_text(part)},' for url, part in parts]
    return sum(
        connection.execute(evidence.delete().where(contains(evidence.c.value, sign))).rowcount
        for sign in signs
    )


def _insert_new(
    connection: sa.Connection, table: sa.Table, rows: Iterable[Mapping[str, Any]]
) -> None:
    """Inserts rows whose keys are not there yet; another run may have been faster."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    for some in _batches(list(rows)):
        connection.execute(insert(table).on_conflict_do_nothing(), list(some))


def _insert(connection: sa.Connection, table: sa.Table, rows: Iterable[Mapping[str, Any]]) -> None:
    for some in _batches(list(rows)):
        connection.execute(table.insert(), list(some))


def _batches(items: Sequence[Item]) -> Iterable[Sequence[Item]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))


def _json_text(text: str) -> str:
    return TypeAdapter(str).dump_json(text).decode()


def _text_key(text: str) -> str:
    """Name of a text in the cache: a digest, for texts may be long, and deleted at their source."""
    return hashlib.sha256(text.encode()).hexdigest()


def claims_key(content: str, extractor: str) -> str:
    """Name of the claims that an extractor finds in a content."""
    return hashlib.sha256(f"{content}\0{extractor}".encode()).hexdigest()
