"""A package as tables: the same columns, in the same order, in every tabular format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from miner.counts import FEW, shares
from miner.export.package import Again, Asked, Datasheet, Kept, Package, Site, Work
from miner.gaps import WEIGHTS
from miner.model import Contradiction, Evidence, Gap, Grade, Theme

__all__ = ["LAYOUT", "SCHEMA_VERSION", "Column", "Table", "about", "flat", "tables"]

SCHEMA_VERSION = 1
"""Grows when a column goes or changes its meaning; a new column at the end changes nothing."""

Item = TypeVar("Item")
Type = Literal["text", "whole", "number", "list", "truth"]
Value = str | int | float | bool | tuple[str, ...] | None


@dataclass(frozen=True)
class Column(Generic[Item]):
    """A column: its name, type, meaning, and its value for an item."""

    name: str
    type: Type
    meaning: str
    of: Callable[[Item], Value]


@dataclass(frozen=True)
class Table:
    """Rows under columns; they can be gone through again and again."""

    name: str
    columns: tuple[Column[Any], ...]
    items: Iterable[Any]

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return [column.name for column in self.columns]

    def rows(self) -> Iterator[list[Value]]:
        """The values of each row, in order of the columns."""
        values = [column.of for column in self.columns]
        for item in self.items:
            yield [value(item) for value in values]


def flat(value: Value) -> str | int | float | bool | None:
    """A value for a cell: a list becomes its entries, parted by `; `."""
    return "; ".join(value) if isinstance(value, tuple) else value


def tables(package: Package) -> list[Table]:
    """All tables of a package."""
    grade, names = package.overall, {theme.id: theme.name for theme in package.themes}
    graded = [(theme, grade.get(theme.id)) for theme in package.themes]
    items: dict[str, Iterable[Any]] = {
        "themes": graded,
        "claims": Again(lambda: ((claim, names.get(claim.theme, "")) for claim in package.claims)),
        "evidence": package.evidence,
        "grades": package.grades,
        "gaps": package.gaps,
        "contradictions": package.contradictions,
        "questions": package.questions,
        "studies": package.works,
        "sources": package.datasheet.sites,
    }
    return [Table(name, tuple(columns), items[name]) for name, columns in LAYOUT.items()]


def about(package: Package) -> dict[str, Any]:
    """What every export carries besides its rows; plain values only."""
    said = asdict(package.about)
    return {
        **said,
        "mined": package.about.mined.isoformat(),
        "schema_version": SCHEMA_VERSION,
        "pseudonymised": True,
        "datasheet": _datasheet(package.datasheet),
    }


def _datasheet(sheet: Datasheet) -> dict[str, Any]:
    return {
        "removed": list(sheet.removed),
        "kept_texts": sheet.kept,
        "kept_texts_a_search_would_find": sheet.findable,
        "sources": [
            {column.name: column.of(site) for column in LAYOUT["sources"]} for site in sheet.sites
        ],
    }


def _day(when: datetime | None) -> str:
    return when.isoformat() if when else ""


def _share(outcome: Literal["helped", "mixed", "no_effect", "worse"], end: str) -> Any:
    """A bound of the Wilson 95 % interval; None below five people, as everywhere."""

    def bound(pair: tuple[Theme, Grade | None]) -> float | None:
        share = shares(pair[0].tally).get(outcome)
        return round(getattr(share, end), 4) if share is not None and share.n >= FEW else None

    return bound


Pair = tuple[Theme, Grade | None]

THEMES: tuple[Column[Pair], ...] = (
    Column("id", "text", "Id of the theme, kept from run to run", lambda p: p[0].id),
    Column("kind", "text", "cause, trigger, diagnosis or remedy", lambda p: p[0].kind),
    Column("name", "text", "Its most typical phrase", lambda p: p[0].name),
    Column("keywords", "list", "Words that tell it from its neighbours", lambda p: p[0].keywords),
    Column("parts", "list", "Names of its sub-themes", lambda p: tuple(s.name for s in p[0].parts)),
    Column("related", "list", "Ids of near themes, nearest first", lambda p: p[0].related),
    Column("conditions", "list", "Conditions, most frequent first", lambda p: p[0].conditions),
    Column("authors", "whole", "People who speak of it", lambda p: p[0].tally.authors),
    Column("unnamed", "whole", "Of these, posts without a name", lambda p: p[0].tally.unnamed),
    Column("threads", "whole", "Threads it stands in", lambda p: p[0].tally.threads),
    Column("sites", "whole", "Sites it stands on", lambda p: p[0].tally.sites),
    Column("articles", "whole", "Articles that speak of it", lambda p: p[0].articles),
    Column("reported", "whole", "People who told an outcome", lambda p: p[0].tally.reported),
    Column("helped", "whole", "Of these: it helped", lambda p: p[0].tally.helped),
    Column("mixed", "whole", "Of these: mixed", lambda p: p[0].tally.mixed),
    Column("no_effect", "whole", "Of these: no effect", lambda p: p[0].tally.no_effect),
    Column("worse", "whole", "Of these: worse", lambda p: p[0].tally.worse),
    Column("helped_low", "number", "Lower end of the 95 % interval of the share that says it "
           "helped; empty below five people", _share("helped", "low")),
    Column("helped_high", "number", "Upper end of it", _share("helped", "high")),
    Column("tried", "whole", "Tried, outcome not said", lambda p: p[0].tally.tried),
    Column("said", "whole", "Named or blamed it", lambda p: p[0].tally.said),
    Column("advised", "whole", "Advised it", lambda p: p[0].tally.advised),
    Column("asked", "whole", "Asked about it", lambda p: p[0].tally.asked),
    Column("other", "whole", "Reported on somebody else", lambda p: p[0].tally.other),
    Column("rejected", "whole", "Decided against it or denied it", lambda p: p[0].tally.rejected),
    Column("level", "whole", "Oxford step of the best evidence, 1 best to 5; empty: none",
           lambda p: p[1].level if p[1] else None),
    Column("status", "text", "What the best sources say", lambda p: p[1].status if p[1] else
           "not_searched"),
    Column("certainty", "text", "How sure", lambda p: (p[1].certainty if p[1] else None) or ""),
    Column("reasons", "list", "Why the grade is so", lambda p: p[1].reasons if p[1] else ()),
    Column("own_articles", "whole", "Of the articles, the user's own", lambda p: p[0].own_articles),
    Column("sub_themes", "list", "Names of its sub-themes, most people first",
           lambda p: tuple(part.name for part in p[0].parts)),
    Column("stability", "number", "0 to 1: how much of it is found again without a fifth of the "
           "phrases; empty where untold", lambda p: p[0].stability),
    Column("emerging", "truth", "Whether fewer than three people speak of it",
           lambda p: p[0].emerging),
)  # fmt: skip

Claimed = tuple[Kept, str]

CLAIMS: tuple[Column[Claimed], ...] = (
    Column("id", "text", "Id of the claim", lambda c: c[0].id),
    Column("theme", "text", "Id of its theme", lambda c: c[0].theme),
    Column("theme_name", "text", "Name of its theme", lambda c: c[1]),
    Column("kind", "text", "cause, trigger, diagnosis or remedy", lambda c: c[0].kind),
    Column("phrase", "text", "The idea as written", lambda c: c[0].phrase),
    Column("text", "text", "The quote; shortened or empty as `quotes` says", lambda c: c[0].text),
    Column("stance", "text", "What its author's one vote on the theme says", lambda c: c[0].stance),
    Column("outcome", "text", "What came of it, as this sentence says", lambda c: c[0].outcome),
    Column("experiencer", "text", "Whose experience", lambda c: c[0].experiencer),
    Column("assertion", "text", "asserted, hedged or negated", lambda c: c[0].assertion),
    Column("basis", "text", "own, professional or read", lambda c: c[0].basis),
    Column("time", "text", "past, now or plan", lambda c: c[0].time),
    Column("condition", "text", "Id of the condition", lambda c: c[0].condition),
    Column("means", "text", "What a pointing phrase stands for", lambda c: c[0].means),
    Column("verdict", "text", "The words that show the outcome", lambda c: c[0].verdict),
    Column("voice", "text", "member, article or study", lambda c: c[0].voice),
    Column("author", "text", "Pseudonym", lambda c: c[0].author),
    Column("site", "text", "Where it stands", lambda c: c[0].site),
    Column("document", "text", "Address, or a number of the thread", lambda c: c[0].document),
    Column("part", "text", "Post id, `title` or `text`; full quotes only", lambda c: c[0].part),
    Column("url", "text", "Where a reader finds it; full quotes only", lambda c: c[0].url),
    Column("start", "whole", "Offset of the quote in the part, in code points; full quotes only",
           lambda c: c[0].start),
    Column("end", "whole", "Offset after its last character", lambda c: c[0].end),
    Column("phrase_start", "whole", "Offset of the phrase", lambda c: c[0].phrase_start),
    Column("written", "text", "ISO 8601 in UTC, or the month alone", lambda c: c[0].written),
    Column("confidence", "number", "Probability that two readers would agree",
           lambda c: c[0].confidence),
    Column("engine", "text", "What found it", lambda c: c[0].engine),
)  # fmt: skip

EVIDENCE: tuple[Column[Evidence], ...] = (
    Column("id", "text", "Id of the piece of evidence", lambda e: e.id),
    Column("theme", "text", "Id of the theme it speaks of", lambda e: e.theme),
    Column("source_type", "text", "study, expert, mechanism, anecdote, commercial or unsupported",
           lambda e: e.source_type),
    Column("direction", "text", "What it says", lambda e: e.direction),
    Column("question", "text", "The question it answers", lambda e: e.question),
    Column("condition", "text", "Id of the condition", lambda e: e.condition or ""),
    Column("design", "text", "Design of a study", lambda e: e.design or ""),
    Column("n", "whole", "People studied", lambda e: e.n),
    Column("flags", "list", "What lowers its weight", lambda e: e.flags),
    Column("study", "text", "Identity of the study", lambda e: e.study or ""),
    Column("title", "text", "Citation, or title of the article", lambda e: e.title),
    Column("finding", "text", "What it found, in our words", lambda e: e.finding),
    Column("year", "whole", "Year", lambda e: e.year),
    Column("doi", "text", "DOI", lambda e: e.doi or ""),
    Column("url", "text", "Address", lambda e: e.url or (e.quote.document if e.quote else "")),
    Column("text", "text", "The sentence; shortened or empty as `quotes` says",
           lambda e: e.quote.text if e.quote else ""),
    Column("start", "whole", "Offset of the sentence in the article's text, in code points",
           lambda e: e.quote.start if e.quote else None),
    Column("reasons", "list", "Why it was read so", lambda e: e.reasons),
)  # fmt: skip

GRADES: tuple[Column[Grade], ...] = (
    Column("theme", "text", "Id of the theme", lambda g: g.theme),
    Column("condition", "text", "Id of the condition; empty: over all", lambda g: g.condition
           or ""),
    Column("question", "text", "The question graded", lambda g: g.question),
    Column("level", "whole", "Oxford step, 1 best to 5", lambda g: g.level),
    Column("status", "text", "What the best sources say", lambda g: g.status),
    Column("certainty", "text", "How sure", lambda g: g.certainty or ""),
    Column("reasons", "list", "In the order they fired", lambda g: g.reasons),
    Column("best", "list", "Ids of the evidence that set the level", lambda g: g.best),
    Column("dissent", "list", "Ids of the evidence that says otherwise", lambda g: g.dissent),
    Column("searched", "text", "When studies were searched for",
           lambda g: _day(g.searched.when) if g.searched else ""),
    Column("service", "text", "Where", lambda g: g.searched.service if g.searched else ""),
    Column("query", "text", "With which words", lambda g: g.searched.query if g.searched else ""),
    Column("hits", "whole", "How many were found", lambda g: g.searched.hits if g.searched else
           None),
)  # fmt: skip


def _part(name: str) -> Callable[[Gap], float]:
    return lambda gap: gap.parts.get(name, 0.0)


GAPS: tuple[Column[Gap], ...] = (
    Column("theme", "text", "Id of the theme", lambda g: g.theme),
    Column("type", "text", "What is lacking most", lambda g: g.type),
    Column("score", "number", "0 to 100: the sum of the parts", lambda g: g.score),
    *(Column(f"part_{name}", "number", f"Points for: {name}, at most {most:g}", _part(name))
      for name, most in WEIGHTS.items()),
    Column("reasons", "list", "Why", lambda g: g.reasons),
)  # fmt: skip

CONTRADICTIONS: tuple[Column[Contradiction], ...] = (
    Column("id", "text", "Id of the contradiction", lambda c: c.id),
    Column("theme", "text", "Id of the theme", lambda c: c.theme),
    Column("type", "text", "Who disagrees", lambda c: c.type),
    Column("reason", "text", "In a sentence", lambda c: c.reason),
    Column("score", "number", "0 to 100: what to look at first", lambda c: c.score),
    Column("reasons", "list", "Why the score", lambda c: c.reasons),
    Column("supporting", "list", "Ids of claims or evidence on one side", lambda c: c.supporting),
    Column("opposing", "list", "Ids on the other side", lambda c: c.opposing),
)

QUESTIONS: tuple[Column[Asked], ...] = (
    Column("id", "text", "Id of the questions of one meaning", lambda q: q.id),
    Column("text", "text", "The most typical one; shortened or empty as `quotes` says",
           lambda q: q.text),
    Column("askers", "whole", "People who ask it", lambda q: q.askers),
    Column("answered", "whole", "Of these: somebody wrote back on it", lambda q: q.answered),
    Column("threads", "whole", "Threads it is asked in", lambda q: q.threads),
    Column("sites", "whole", "Sites it is asked on", lambda q: q.sites),
    Column("themes", "list", "Ids of the themes it speaks of", lambda q: q.themes),
)  # fmt: skip

STUDIES: tuple[Column[Work], ...] = (
    Column("id", "text", "Identity: registry number, PMID and DOI", lambda w: w.id),
    Column("title", "text", "Title, or the citation where no record is there", lambda w: w.title),
    Column("authors", "list", "As the service writes them", lambda w: w.authors),
    Column("journal", "text", "Journal", lambda w: w.journal),
    Column("year", "whole", "Year", lambda w: w.year),
    Column("doi", "text", "DOI", lambda w: w.doi or ""),
    Column("pmid", "text", "PubMed id", lambda w: w.pmid or ""),
    Column("retracted", "truth", "Whether it was retracted", lambda w: w.retracted),
    Column("notes", "list", "Design, size and themes", lambda w: w.notes),
)

SOURCES: tuple[Column[Site], ...] = (
    Column("site", "text", "Name of the site", lambda s: s.site),
    Column("engines", "list", "What read it", lambda s: s.engines),
    Column("threads", "whole", "Threads stored", lambda s: s.threads),
    Column("articles", "whole", "Articles stored", lambda s: s.articles),
    Column("studies", "whole", "Records of studies stored", lambda s: s.studies),
    Column("posts", "whole", "Posts stored", lambda s: s.posts),
    Column("authors", "whole", "Pseudonyms", lambda s: s.authors),
    Column("first", "text", "Month of the oldest post", lambda s: _day(s.first)[:7]),
    Column("last", "text", "Month of the newest post", lambda s: _day(s.last)[:7]),
    Column("fetched", "text", "When something was last stored", lambda s: _day(s.fetched)),
    Column("off_topic", "whole", "Threads looked at and not stored", lambda s: s.off_topic),
    Column("failed", "whole", "Pages that could not be read", lambda s: s.failed),
    Column("missing", "whole", "Posts that are counted there and not here", lambda s: s.missing),
    Column("licence", "text", "What is known of the terms of its texts", lambda s: s.licence),
)

LAYOUT: dict[str, Sequence[Column[Any]]] = {
    "themes": THEMES,
    "claims": CLAIMS,
    "evidence": EVIDENCE,
    "grades": GRADES,
    "gaps": GAPS,
    "contradictions": CONTRADICTIONS,
    "questions": QUESTIONS,
    "studies": STUDIES,
    "sources": SOURCES,
}
