"""The derived store and the decisions: what mining concluded, and what a person changed.

The conclusions are replaced as a whole in one transaction, so that an interrupted run leaves the
last good ones in place. Caches of extracted claims, of answers and of vectors outlive a run and
make the next one cheap; they can be dropped at any time. Decisions are collected: no run touches
them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from pydantic import TypeAdapter

from crawler.database import BATCH, batches, explained, migrate, writing
from miner import caches, index, snapshots
from miner.errors import DamagedConclusions, NothingMined
from miner.forgetting import forget_claims, forget_evidence, forget_questions, recount
from miner.ledger import Kept, Ledger
from miner.model import (
    Claim,
    Contradiction,
    Decision,
    Evidence,
    Gap,
    Grade,
    Kind,
    MemberQuestion,
    Mined,
    Theme,
    ThemeEvent,
)
from miner.roll import Spoken, spoken
from miner.rows import (
    a_claim,
    a_question,
    a_theme,
    adapter,
    an_event,
    claim_rows,
    event_row,
    insert_all,
    insert_new,
    owned,
    question_rows,
    read,
    some_claims,
    sound_vectors,
    text_key,
    theme_row,
)
from miner.tables import (
    STEPS,
    answers,
    claims,
    contradictions,
    decisions,
    drafts,
    events,
    evidence,
    extractions,
    gaps,
    grades,
    proposals,
    questions,
    readings,
    runs,
    themes,
    vectors,
)
from miner.unsaid import said_in, unsay

__all__ = ["Knowledge", "Run", "Version", "a_run", "claims_key"]

Vector = npt.NDArray[np.float32]
Write = Callable[[sa.Connection, int], object]
"""Writes something more of a run, of which it is told the number."""


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
    own: tuple[str, ...] = ()
    """Addresses of the user's own articles, with which those of others are compared."""
    grouped: Mapping[Kind, int] = field(default_factory=dict)
    """Phrases of each kind when they were last grouped as a whole."""
    id: int | None = None


a_run = TypeAdapter(Run)


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

    def replace(self, run: Run, mined: Mined, *also: Write) -> Run:
        """The run with its id, after its conclusions took the place of the former ones.

        `also` writes what belongs to it: all of it is seen at once, or none.
        """
        with writing(self.engine) as connection:
            number = _write_run(connection, run)
            for table in (claims, themes, evidence, grades, gaps, contradictions, questions):
                connection.execute(table.delete())
            insert_all(connection, claims, claim_rows(mined))
            insert_all(connection, themes, map(theme_row, mined.themes))
            insert_all(connection, evidence, (owned(item, item.id) for item in mined.evidence))
            insert_all(connection, grades, (owned(item, item.theme) for item in mined.grades))
            insert_all(connection, gaps, (owned(item, item.theme) for item in mined.gaps))
            insert_all(connection, contradictions, (owned(i, i.id) for i in mined.contradictions))
            insert_all(connection, questions, question_rows(mined))
            insert_all(connection, events, (event_row(number, item) for item in mined.events))
            snapshots.write(connection, number, run.finished, mined)
            for write in also:
                write(connection, number)
        return _with_id(run, number)

    def last_run(self) -> Run | None:
        """The run whose conclusions are shown; None before the first."""
        found = self.runs(limit=1)
        return found[0] if found else None

    def concluded(self) -> Run:
        """The same run; raises NothingMined before the first."""
        run = self.last_run()
        if run is None:
            raise NothingMined("nothing is mined yet; run `folkgrade mine`")
        return run

    def runs(self, limit: int = 50) -> list[Run]:
        """Runs, latest first."""
        query = sa.select(runs.c.id, runs.c.fingerprint, runs.c.value)
        return [
            replace(read(a_run, row.value), id=row.id, fingerprint=row.fingerprint)
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
        return [read(a_theme, row.value) for row in self._rows(query)]

    def theme(self, theme_id: str) -> Theme | None:
        """The theme of that id, or the one an old id redirects to."""
        for _hop in range(20):
            found = self._rows(sa.select(themes.c.value).where(themes.c.id == theme_id))
            if found:
                return read(a_theme, found[0].value)
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
            return [read(a_claim, row.value) for row in self._rows(query)]
        queries = (query.where(claims.c.id.in_(some)) for some in batches(ids))
        return [read(a_claim, row.value) for q in queries for row in self._rows(q)]

    def told(self) -> Sequence[Any]:
        """Id, author, date and words of each claim, by id."""
        columns = claims.c.id, claims.c.author, claims.c.written, claims.c.words
        return self._rows(sa.select(*columns).order_by(claims.c.id))

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
                yield row.theme, read(a_claim, row.value)

    def spoken(self, without: Collection[str] = ()) -> list[Sequence[Any]]:
        """A row for the roll of each claim in a theme, those of some themes left out."""
        columns = [sa.type_coerce(claims.c[name], sa.String) for name in Spoken._fields]
        kept = claims.c.theme.is_not(None)
        query = sa.select(*columns).where(kept, claims.c.stance.is_not(None))
        with explained(self.engine), self.engine.connect() as connection:
            # The driver's own tuples: there are many, and nothing in them is to be changed.
            cursor = connection.execute(query).cursor
            found: list[Sequence[Any]] = list(cursor.fetchall()) if cursor else []
        # Those of a run that kept no columns for it.
        old = sa.select(claims.c.theme, claims.c.value).where(kept, claims.c.stance.is_(None))
        found += [spoken(read(a_claim, r.value), r.theme) for r in self._rows(old)]
        return [row for row in found if row[0] not in without] if without else found

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

    def questions(self) -> list[MemberQuestion]:
        """What members ask; by inquiry, most askers first, then most typical first."""
        query = sa.select(questions.c.value).order_by(questions.c.row)
        return [read(a_question, row.value) for row in self._rows(query)]

    def events(self, run: int | None = None) -> list[ThemeEvent]:
        """What happened to themes, in one run or ever."""
        query = sa.select(events.c.value).order_by(events.c.row)
        if run is not None:
            query = query.where(events.c.run == run)
        return [read(an_event, row.value) for row in self._rows(query)]

    # Caches

    def extracted(self, keys: Mapping[str, str]) -> dict[str, list[Claim]]:
        """Claims found before in the same content by the same extractor, by document."""
        return caches.known(self.engine, extractions, some_claims, keys)

    def extracted_keys(self) -> dict[str, str]:
        """What content and extractor the cached claims of each document came from."""
        query = sa.select(extractions.c.document, extractions.c.key)
        return {row.document: row.key for row in self._rows(query)}

    def keep_extracted(self, document: str, key: str, found: Sequence[Claim]) -> None:
        """Keeps the claims of a document at once, so that an interrupted run resumes there."""
        one = {document: list(found)}
        caches.keep(self.engine, extractions, some_claims, {document: key}, one)

    def answer(self, document: str, key: str) -> str | None:
        """What a chat model said before to the same question; None where it is damaged."""
        query = sa.select(answers.c.value).where(
            answers.c.document == document, answers.c.key == key
        )
        found = self._rows(query)
        return caches.unsigned(str(found[0].value)) if found else None

    def keep_answer(self, document: str, key: str, value: str) -> None:
        """Keeps an answer at once, so that no question is asked twice."""
        row = {"document": document, "key": key, "value": caches.signed(value)}
        here = sa.and_(answers.c.document == document, answers.c.key == key)
        with writing(self.engine) as connection:
            connection.execute(answers.delete().where(here))
            insert_new(connection, answers, [row])

    def keep_answers(self, document: str, keys: Iterable[str]) -> None:
        """Forgets the other answers of a document: they are on texts that are no more."""
        here = answers.c.document == document
        with writing(self.engine) as connection:
            known = set(connection.scalars(sa.select(answers.c.key).where(here)))
            for some in batches(sorted(known - set(keys))):
                connection.execute(answers.delete().where(here, answers.c.key.in_(some)))

    def prune(self, documents: Iterable[str], model: str, texts: Iterable[str]) -> int:
        """How many documents' cached claims and answers went, since the corpus has them no more.

        Of the cached vectors those of the model's `texts` stay: the others are of words that
        nobody says any more, or of a model no longer used.
        """
        with writing(self.engine) as connection:
            return caches.prune(connection, documents, model, texts)

    def vectors(self, model: str, texts: Sequence[str]) -> dict[str, Vector]:
        """Known vectors by text; damaged ones are dropped, to be made anew."""
        found: dict[str, bytes] = {}
        by_key = {text_key(text): text for text in texts}
        for some in batches(list(by_key)):
            query = sa.select(vectors.c.text, vectors.c.value).where(
                vectors.c.model == model, vectors.c.text.in_(some)
            )
            found |= {row.text: row.value for row in self._rows(query)}
        known = sound_vectors(found)
        if damaged := sorted(found.keys() - known.keys()):
            with writing(self.engine) as connection:
                for some in batches(damaged):
                    gone = sa.and_(vectors.c.model == model, vectors.c.text.in_(some))
                    connection.execute(vectors.delete().where(gone))
        return {by_key[key]: vector for key, vector in known.items()}

    def keep_vectors(self, model: str, new: Mapping[str, Vector]) -> None:
        """Keeps vectors by text; those already known stay as they are."""
        rows = (
            {
                "model": model,
                "text": text_key(text),
                "value": np.asarray(vector, dtype=np.float32).tobytes(),
            }
            for text, vector in new.items()
        )
        with writing(self.engine) as connection:
            insert_new(connection, vectors, rows)

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
        return [read(a_claim, row.value) for row in rows]

    # Forgetting

    def forget(self, key: str, parts: Sequence[tuple[str, str]] = ()) -> int:
        """How many claims and pieces of evidence went with an author, a document or `parts`.

        `parts` are document address and part of what the corpus forgets with the key
        (`Corpus.parts_of`). The cached claims and answers of the documents concerned go too, and
        all cached vectors, drafts and proposals, made of words as they are. A theme is counted anew
        at once, and renamed where nobody says its words any more; grades, gaps and contradictions
        follow at the next run. A key of which nothing is known changes nothing.
        """
        own = self._own_articles()
        with writing(self.engine) as connection:
            said = said_in(connection, key, parts)
            count, touched = forget_claims(connection, key, parts)
            pieces, told = forget_evidence(connection, key, parts)
            count += pieces
            forget_questions(connection, key, parts)
            index.forget(connection, key, parts, unsay(connection, said))
            recount(connection, {*said, *told}, own)
            cached = 0
            for some in batches(sorted({key, *touched, *(document for document, _ in parts)})):
                for table in (extractions, answers, readings):
                    gone = table.delete().where(table.c.document.in_(some))
                    cached += connection.execute(gone).rowcount
            if count or cached or parts:
                connection.execute(vectors.delete())
                connection.execute(drafts.delete())
                connection.execute(proposals.delete())
                connection.execute(runs.update().values(fingerprint=""))
        return count

    def _own_articles(self) -> frozenset[str]:
        """Addresses of the user's own articles; none where the last run cannot be read."""
        try:
            last = self.last_run()
        except DamagedConclusions:
            return frozenset()
        return frozenset(last.own) if last else frozenset()

    def _rows(self, query: sa.Select[Any]) -> Sequence[Any]:
        with explained(self.engine), self.engine.connect() as connection:
            return connection.execute(query).all()

    def _values(self, table: sa.Table, of: type[Any], theme: str | None = None) -> list[Any]:
        query = sa.select(table.c.value).order_by(table.c.row)
        if theme is not None:
            query = query.where(table.c.theme == theme)
        return [read(adapter(of), row.value) for row in self._rows(query)]


def _write_run(connection: sa.Connection, run: Run) -> int:
    value = a_run.dump_json(run).decode()
    # PostgreSQL's own count would leave out the numbers of runs that were killed.
    number = (connection.scalar(sa.select(sa.func.max(runs.c.id))) or 0) + 1
    row = {
        "id": number,
        "started": run.started,
        "finished": run.finished,
        "fingerprint": run.fingerprint,
        "settings_hash": run.settings_hash,
        "value": value,
    }
    connection.execute(runs.insert().values(**row))
    return number


def _with_id(value: Run, number: int) -> Run:
    return replace(value, id=number)


def claims_key(content: str, extractor: str) -> str:
    """Name of the claims that an extractor finds in a content."""
    return hashlib.sha256(f"{content}\0{extractor}".encode()).hexdigest()
