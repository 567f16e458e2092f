"""A small invented project for what leaves the house: odd signs, a study, a dispute, a gap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crawler.corpus import Corpus
from crawler.database import open_database
from crawler.documents import Article, Post, Source, Study, Thread
from miner.counts import tally
from miner.knowledge import Knowledge, Run
from miner.model import (
    Claim,
    Contradiction,
    Evidence,
    Gap,
    Grade,
    MemberQuestion,
    Mined,
    Quote,
    Search,
    SubTheme,
    Theme,
)

MINED = datetime(2026, 5, 20, 9, 30, tzinfo=UTC)
READ = datetime(2026, 5, 19, 8, 0, tzinfo=UTC)
HEEL = "https://forum.example/t/heel/1"
BACK = "https://board.example/viewtopic?t=2"
CLINIC = "https://clinic.example/heel"
RECORD = "https://europepmc.org/abstract/MED/31415926"

POSTS: list[tuple[str, str, str | None, str]] = [
    (HEEL, "1", "m_aaaaaaaa01", "🦶🏽 Sore since May.\r\n\r\nThe heel drops calmed it after a "
     "month of doing them twice a day 🎉 and I walk again."),
    (HEEL, "2", "m_aaaaaaaa02", '=HYPERLINK("https://evil.example","x") heel drops made it '
     "worse, so I stopped after two weeks."),
    (HEEL, "3", "m_aaaaaaaa03", "- first I iced\n- then heel drops\n-1+1 they did nothing at all "
     "for me <script>alert(1)</script> [[x]] ![y](https://evil.example/p.png)"),
    (HEEL, "4", None, "Do heel drops hurt?"),
    (HEEL, "5", "m_aaaaaaaa04", "@all My heel drops helped — naïve façade ﬁx\u00a0ok, 𝒽eel and "
     "all, slowly over a whole summer."),
    (BACK, "10", "m_aaaaaaaa05", "I blame sitting all day at the desk for my bad back, really."),
    (BACK, "11", "m_aaaaaaaa05", "Also heel drops, strangely, helped my back a little bit then."),
]  # fmt: skip
PHRASE = {"rem-heel": "heel drops", "cau-desk": "sitting all day"}


def _source(url: str, engine: str) -> Source:
    return Source(url=url, site=url.split("/")[2], fetched=READ, engine=engine)


def documents() -> list[Any]:
    """The invented documents."""
    threads = [
        Thread(
            source=_source(url, engine),
            title=title,
            posts=tuple(
                Post(id=part, number=n, text=text, author=author, url=f"{url}#p{part}",
                     written=datetime(2025, 3, n, 7, 5, tzinfo=UTC))
                for n, (where, part, author, text) in enumerate(POSTS, 1)
                if where == url
            ),
        )
        for url, engine, title in (
            (HEEL, "stackexchange", "Sore heel since May"), (BACK, "phpbb", "Desk and back"))
    ]  # fmt: skip
    return [
        *threads,
        Article(source=_source(CLINIC, "article"), title="The sore heel",
                text="Intro.\n\nHeel drops help most people with a sore heel in the end, we find."),
        Study(source=_source(RECORD, "europepmc"), title="Heel loading & rest: a {trial} of 84_%",
              authors=("Invented AB", "Öztürk-Muster C"), journal="Journal of Heels", year=2020,
              doi="10.1234/heel_2020.1", pmid="31415926", abstract="Less pain."),
    ]  # fmt: skip


def claims() -> tuple[list[Claim], dict[str, str]]:
    """A claim for each post, and its theme."""
    outcomes = {"1": "helped", "2": "worse", "3": "no_effect", "5": "helped", "11": "helped"}
    found, theme_of = [], {}
    for n, (url, part, author, text) in enumerate(POSTS, 1):
        theme = "cau-desk" if PHRASE["cau-desk"] in text else "rem-heel"
        phrase = PHRASE[theme]
        at = text.index(phrase)
        start = text.rfind("\n", 0, at) + 1
        claim = Claim(
            kind="cause" if theme == "cau-desk" else "remedy",
            phrase=phrase,
            phrase_start=at,
            quote=Quote(document=url, part=part, start=start, text=text[start:]),
            author=author,
            written=datetime(2025, 3, n, 7, 5, tzinfo=UTC),
            experiencer="question" if part == "4" else "self",
            outcome=outcomes.get(part, "unknown"),  # type: ignore[arg-type]
            condition="achilles" if url == HEEL else "low_back",
            confidence=0.8,
        )
        found.append(claim)
        theme_of[claim.id] = theme
    return found, theme_of


def evidence() -> list[Evidence]:
    """A collected study, one of the starter library, and an article's sentence."""
    said = "Heel drops help most people with a sore heel in the end, we find."
    return [
        Evidence(theme="rem-heel", source_type="study", direction="supports", quote=None,
                 design="rct", n=84, study="pmid:31415926 10.1234/heel_2020.1", year=2020,
                 doi="10.1234/heel_2020.1", url=RECORD, condition="achilles",
                 title="Invented AB et al. Heel loading. Journal of Heels 2020"),
        Evidence(theme="cau-desk", source_type="study", direction="unclear", quote=None,
                 design="cohort", study="10.9999/chairs(2)", doi="10.9999/chairs(2)", year=2011,
                 title="Sitter QZ et al. Chairs & backs: a cohort. Chair Med 2011;2(3):4-5"),
        Evidence(theme="rem-heel", source_type="expert", direction="supports",
                 title="The sore heel",
                 quote=Quote(document=CLINIC, part="text", start=8, text=said)),
    ]  # fmt: skip


def mined() -> Mined:
    """What a run concludes of it."""
    found, theme_of = claims()
    trial, chairs, clinic = evidence()

    def theme(key: str, **more: Any) -> Theme:
        own = [claim for claim in found if theme_of[claim.id] == key]
        return Theme(
            id=key, kind=own[0].kind, name=PHRASE[key], claims=tuple(claim.id for claim in own),
            tally=tally(own), conditions=("achilles",), **more,
        )  # fmt: skip

    slow = replace(theme("rem-heel"), id="rem-slow", name="=slow: heel/drops?", claims=())
    heel = theme("rem-heel", related=("cau-desk", "rem-slow"), articles=1)
    within = SubTheme(id="rem-barefoot", name="drops/barefoot?", claims=heel.claims[:1],
                      tally=tally(found[:1]))  # fmt: skip
    search = Search(query="desk AND back", service="Europe PMC", when=READ, hits=0)
    return Mined(
        claims=tuple(found),
        theme_of=theme_of,
        themes=(replace(heel, parts=(within,)), theme("cau-desk"), slow),
        evidence=(trial, chairs, clinic),
        grades=(
            Grade(theme="rem-heel", condition=None, level=2, status="supported", certainty="low",
                  reasons=("level_2",), best=(trial.id,)),
            Grade(theme="cau-desk", condition=None, level=None, status="no_evidence",
                  certainty=None, reasons=("none_found",), searched=search),
        ),
        gaps=(Gap(theme="cau-desk", type="uncovered", score=50.0,
                  parts={"authors": 30.0, "uncovered": 20.0}, reasons=("1 author", "no article")),),
        contradictions=(
            Contradiction(theme="rem-heel", type="members", supporting=(found[0].id,),
                          opposing=(found[1].id,), reason="Members disagree."),
        ),
        questions=(
            MemberQuestion(quote=Quote(document=HEEL, part="4", start=0, text=POSTS[3][3]),
                           answers=1, inquiry="ask-heel", themes=("rem-heel",)),
            MemberQuestion(quote=Quote(document=BACK, part="11", start=6, text=POSTS[6][3][6:]),
                           author="m_aaaaaaaa05", inquiry="ask-heel"),
        ),
    )  # fmt: skip


def run(**changes: Any) -> Run:
    """A run, as the pipeline records it."""
    plain = Run(
        started=MINED, finished=MINED, fingerprint="f", settings_hash="3fa9c1d2e4b5",
        models={"claims": "invented-2", "embedder": "invented-1"}, counts={"posts": 7},
    )  # fmt: skip
    return replace(plain, **changes)


Stores = tuple[Corpus, Knowledge]


def fill(corpus: Corpus, knowledge: Knowledge) -> None:
    """Stores the documents, and what one run concluded."""
    for document in documents():
        corpus.add(document)
    knowledge.replace(run(), mined())


@pytest.fixture
def project(tmp_path: Path) -> Stores:
    """Both stores of the small project, mined once."""
    engine = open_database(str(tmp_path / "project.db"))
    corpus, knowledge = Corpus(engine), Knowledge(engine)
    fill(corpus, knowledge)
    return corpus, knowledge


@pytest.fixture
def build() -> Callable[[Corpus, Knowledge], None]:
    """What makes empty stores the small project."""
    return fill


@pytest.fixture
def next_run() -> Callable[..., Run]:
    """`run`, for tests that mine again."""
    return run


@pytest.fixture
def conclusions() -> Callable[[], Mined]:
    """`mined`, for tests that mine again."""
    return mined
