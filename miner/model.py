"""The words of mining: quotes, claims, themes, evidence, grades, gaps, contradictions, decisions.

Values only, frozen. Stages turn them into one another; `miner.knowledge` keeps them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Literal

__all__ = [
    "EMERGING",
    "Action",
    "Assertion",
    "Basis",
    "Claim",
    "Contradiction",
    "Decision",
    "Design",
    "Direction",
    "Evidence",
    "Experiencer",
    "Gap",
    "GapType",
    "Grade",
    "Kind",
    "MemberQuestion",
    "Mined",
    "Outcome",
    "Question",
    "Quote",
    "Search",
    "SourceType",
    "Stance",
    "SubTheme",
    "Tally",
    "Theme",
    "ThemeEvent",
    "Time",
    "Voice",
    "Vote",
]

Kind = Literal["cause", "trigger", "diagnosis", "remedy"]
Voice = Literal["member", "article", "study"]
Experiencer = Literal["self", "other", "advice", "question"]
Assertion = Literal["asserted", "hedged", "negated"]
Outcome = Literal["helped", "mixed", "no_effect", "worse", "unknown"]
Basis = Literal["own", "professional", "read"]
Time = Literal["past", "now", "plan"]
Stance = Literal[
    "helped",
    "mixed",
    "no_effect",
    "worse",
    "tried",
    "advised",
    "asked",
    "other",
    "rejected",
    "said",
]
SourceType = Literal["study", "expert", "mechanism", "anecdote", "commercial", "unsupported"]
Direction = Literal["supports", "no_effect", "contradicts", "mixed", "unclear"]
Design = str
"""A design of the table in docs/grading.md, such as `rct` or `sr_mixed`."""
Question = Literal["benefit", "prevention", "cause", "harm", "diagnosis", "prognosis", "prevalence"]
Action = Literal[
    "rename",
    "merge",
    "split",
    "move",
    "reject",
    "overrule",
    "dismiss",
    "accept",
    "outcome",
    "label",
    "undo",
]
GapType = Literal["uncovered", "weak_evidence", "contradicted", "unanswered", "rising"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Quote:
    """Words exactly as stored: the part's text from `start` on equals `text`."""

    document: str
    """Canonical address of the document."""
    part: str
    """Post id, or `title`, or `text` for the body of an article or study."""
    start: int
    """Offset in code points."""
    text: str

    @property
    def end(self) -> int:
        """Offset just after the last character."""
        return self.start + len(self.text)


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """One idea of one speaker: something blamed, named or tried, and what came of it."""

    kind: Kind
    phrase: str
    """The idea as written, such as `flat pedals`."""
    phrase_start: int
    """Offset of the phrase in the part's text (the phrase lies inside the quote)."""
    quote: Quote
    voice: Voice = "member"
    author: str | None = None
    """Pseudonym; None for an unnamed post and for articles and studies."""
    written: datetime | None = None
    experiencer: Experiencer = "self"
    assertion: Assertion = "asserted"
    outcome: Outcome = "unknown"
    condition: str | None = None
    """Id of a condition of `miner.conditions`."""
    confidence: float = 1.0
    """Calibrated probability that two readers would call this a claim of this kind."""
    basis: Basis = "own"
    """Own experience or view, what a professional said, or what was read."""
    time: Time = "now"
    """Done and over, still so, or only intended."""
    verdict: Quote | None = None
    """The words that show the outcome; they may stand sentences later."""
    means: str | None = None
    """What a phrase that only points (`it`, `that`) stands for, resolved through the thread."""
    beside: tuple[str, ...] = ()
    """Ids of the claims on remedies used together with this one, which share its outcome."""
    engine: str = "offline"
    """What found it: `offline`, `fast`, or `endpoint:` and the name of a model."""
    id: str = field(init=False, repr=False, compare=False)
    """Sixteen hex digits, the same for the same words in the same place."""

    def __post_init__(self) -> None:
        quote = self.quote
        at = quote.document, quote.part, self.kind, str(self.phrase_start), self.phrase
        object.__setattr__(self, "id", _digest(*at))

    @property
    def words(self) -> str:
        """The phrase, or what it stands for."""
        return self.means or self.phrase


@dataclass(frozen=True, kw_only=True)
class Vote:
    """What one author says of one theme: their latest outcome, else the strongest thing said."""

    author: str
    """Pseudonym, or `unnamed:DOCUMENT#PART` for a post without a name."""
    stance: Stance
    claims: tuple[str, ...]
    """Ids of the author's claims on the theme; the one that decided comes first."""


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Distinct authors by stance. Advice, questions and reports on others are never outcomes."""

    helped: int = 0
    mixed: int = 0
    no_effect: int = 0
    worse: int = 0
    tried: int = 0
    """Tried, outcome not said."""
    advised: int = 0
    asked: int = 0
    other: int = 0
    """Reports on somebody else."""
    rejected: int = 0
    """Not tried, planned away, or denied as a cause."""
    said: int = 0
    """Blamed or named (causes, triggers, diagnoses)."""
    unnamed: int = 0
    """How many of all these are posts without an author's name, each counted as one author."""
    threads: int = 0
    sites: int = 0

    @property
    def authors(self) -> int:
        """Distinct authors that speak of the theme at all."""
        named = self.tried + self.advised + self.asked + self.other + self.rejected + self.said
        return self.reported + named

    @property
    def reported(self) -> int:
        """Authors who tried it themselves and said what came of it: the n of every share."""
        return self.helped + self.mixed + self.no_effect + self.worse


@dataclass(frozen=True, kw_only=True)
class SubTheme:
    """A closer idea within a theme; its claims are some of the theme's."""

    id: str
    """Carried over between runs, as a theme's is."""
    name: str
    claims: tuple[str, ...]
    """Ids, most typical first."""
    tally: Tally = field(default_factory=Tally)


EMERGING = 3
"""Below so many authors a theme is called emerging."""


@dataclass(frozen=True, kw_only=True)
class Theme:
    """Claims of one kind that are about the same thing."""

    id: str
    """Kept while most of its claims stay; such as `rem-3f9a1c`."""
    kind: Kind
    name: str
    """Its most typical short phrase, in members' words, unless a person renamed it."""
    claims: tuple[str, ...]
    """Ids, most typical first."""
    keywords: tuple[str, ...] = ()
    """Words that tell it from its neighbours."""
    related: tuple[str, ...] = ()
    """Ids of near themes, of any kind, nearest first."""
    tally: Tally = field(default_factory=Tally)
    articles: int = 0
    """Articles that speak of it."""
    own_articles: int = 0
    """How many of these are the user's own."""
    conditions: tuple[str, ...] = ()
    """Conditions its claims are about, most frequent first."""
    parts: tuple[SubTheme, ...] = ()
    """Its sub-themes, most authors first; a claim may be in none of them."""
    border: tuple[str, ...] = ()
    """Ids of claims nearly as near to another theme of its kind, the most doubtful first."""
    stability: float | None = None
    """0 to 1: how much of it is found again without a fifth of the phrases; None where untold."""

    @property
    def emerging(self) -> bool:
        """Whether so few speak of it that it may yet come to nothing."""
        return self.tally.authors < EMERGING


@dataclass(frozen=True, kw_only=True)
class ThemeEvent:
    """What happened to a theme between two runs; a merged or dead id redirects to `into`."""

    kind: Literal["born", "died", "merged", "split", "renamed"]
    theme: str
    into: str | None = None


@dataclass(frozen=True, kw_only=True)
class Search:
    """A look-up that was really made, so that `none found` is not `not searched`."""

    query: str
    service: str
    when: datetime
    hits: int


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One source's word on a theme: a sentence of an article, or a study."""

    theme: str
    source_type: SourceType
    direction: Direction
    quote: Quote | None
    """The sentence; None for a study of the library that is known by its facts alone."""
    design: Design | None = None
    n: int | None = None
    flags: tuple[str, ...] = ()
    condition: str | None = None
    question: Question = "benefit"
    study: str | None = None
    """Identity of the study (registry number, PMID or DOI), so that one trial counts once."""
    title: str = ""
    """Citation of a study, or title of the article."""
    finding: str = ""
    """What a library study found, in our words."""
    url: str | None = None
    year: int | None = None
    doi: str | None = None
    reasons: tuple[str, ...] = ()
    """Why it was read so, in order."""

    @cached_property
    def id(self) -> str:
        """Sixteen hex digits, the same for the same source on the same theme."""
        place = f"{self.quote.document}#{self.quote.part}@{self.quote.start}" if self.quote else ""
        return _digest(self.theme, self.condition or "", self.question, self.study or "", place)


@dataclass(frozen=True, kw_only=True)
class Grade:
    """Three separate outputs: level, status and certainty. Never one score."""

    theme: str
    condition: str | None
    """None is the grade over all conditions of the theme."""
    level: int | None
    """Oxford CEBM 2011 step, 1 best to 5; None where no source carries one."""
    status: str
    certainty: str | None
    reasons: tuple[str, ...] = ()
    """In the order they fired."""
    best: tuple[str, ...] = ()
    """Evidence ids that set the level."""
    dissent: tuple[str, ...] = ()
    """Evidence ids that say otherwise, at any level."""
    question: Question = "benefit"
    searched: Search | None = None
    unanswered: str = ""
    """Why a search that was tried has no answer, such as `pubmed: answered with 500`."""


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A theme people speak of that articles do not cover or studies do not support."""

    theme: str
    type: GapType
    score: float
    """0 to 100; the sum of `parts`."""
    parts: Mapping[str, float]
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Contradiction:
    """Two sides on one theme, each in quotes."""

    theme: str
    type: Literal[
        "articles", "members", "members_articles", "members_studies", "studies",
        "articles_studies", "how_common",
    ]  # fmt: skip
    supporting: tuple[str, ...]
    """Ids of claims or evidence on one side."""
    opposing: tuple[str, ...]
    reason: str
    score: float = 0.0
    """0 to 100; the sum of `parts`."""
    parts: Mapping[str, float] = field(default_factory=dict, hash=False)
    reasons: tuple[str, ...] = ()
    """One for each part, in their order."""

    @property
    def id(self) -> str:
        """Stable while theme and type stay."""
        return f"{self.theme}:{self.type}"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a person changed. Collected: replayed on every run, never derived."""

    action: Action
    target: str
    """Id of a theme, claim, evidence or contradiction; of a decision for `undo`."""
    value: Mapping[str, object]
    who: str
    when: datetime
    why: str = ""
    id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberQuestion:
    """A question of a member, word for word, and how many wrote back on it."""

    quote: Quote
    author: str | None = None
    """Pseudonym; None for an unnamed post."""
    written: datetime | None = None
    answers: int = 0
    """Other members who stated something on it later in the thread."""
    inquiry: str = ""
    """Id that questions of one meaning share, such as `ask-3f9a1c`."""
    themes: tuple[str, ...] = ()
    """Ids of the themes it speaks of."""
    id: str = field(init=False, repr=False, compare=False)
    """Sixteen hex digits, the same for the same words in the same place."""

    def __post_init__(self) -> None:
        quote = self.quote
        object.__setattr__(
            self, "id", _digest(quote.document, quote.part, str(quote.start), quote.text)
        )

    @property
    def voter(self) -> str:
        """The author, or `unnamed:DOCUMENT#PART` for a post without a name."""
        return self.author or f"unnamed:{self.quote.document}#{self.quote.part}"


@dataclass(frozen=True, kw_only=True)
class Mined:
    """All that one run concluded; it replaces the former conclusions as a whole."""

    claims: tuple[Claim, ...]
    theme_of: Mapping[str, str]
    """Claim id to theme id; a claim a person rejected has none."""
    themes: tuple[Theme, ...]
    evidence: tuple[Evidence, ...] = ()
    grades: tuple[Grade, ...] = ()
    gaps: tuple[Gap, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    events: tuple[ThemeEvent, ...] = ()
    questions: tuple[MemberQuestion, ...] = ()
    """What members ask; by inquiry, most askers first, then most typical first."""


def _digest(*key: str) -> str:
    """Sixteen hex digits that stand for these texts in this order."""
    return hashlib.sha256("\x1f".join(key).encode()).hexdigest()[:16]
