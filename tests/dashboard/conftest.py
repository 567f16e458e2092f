"""A small project with invented values: two forums, three articles, six themes, one old id."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from crawler.corpus import Corpus, SiteVisit
from crawler.database import open_database
from crawler.documents import Article, Document, Post, Source, Thread
from dashboard import data
from dashboard.serve import APP
from miner.counts import tally
from miner.embed import tfidf
from miner.index import Index
from miner.knowledge import Knowledge, Run
from miner.model import (
    Claim,
    Contradiction,
    Evidence,
    Gap,
    Grade,
    Kind,
    Mined,
    Quote,
    Search,
    Theme,
    ThemeEvent,
)
from miner.passages import passages

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Address = TypeVar("Address", Path, str)

MINED = datetime(2026, 5, 20, 9, 30, tzinfo=UTC)
READ = datetime(2026, 5, 19, 8, 0, tzinfo=UTC)
EXTRACTOR = "invented-2"
FORUM, BOARD = "forum.example", "board.example"
THREADS = {
    "calf": f"https://{FORUM}/t/calf/1",
    "stairs": f"https://{FORUM}/t/stairs/2",
    "desk": f"https://{BOARD}/viewtopic?t=3",
}
TITLES = {"calf": "Sore heel since March", "stairs": "Stairs hurt", "desk": "Desk job and my back"}

HOSTILE_NAME = (
    "<img src=https://evil.example/n.png> **bold** [x](javascript:alert(1)) :red[r] $a$ "
    "www.evil.example :smile: :material/home: -> a@evil.example"
)
HOSTILE_POST = (
    "<script>window.pwned = 1</script><img src='https://evil.example/p.png' onerror='pwned=1'>\n"
    "![pic](https://evil.example/q.png) [click](javascript:alert(1)) # Title\n"
    "https://evil.example/auto and :smile: and $x^2$ raised heel shoes " + "x" * 400
)


@dataclass(frozen=True)
class Word:
    """One invented post: who, when, where, about which theme, in which role, and the words."""

    author: str | None
    when: str
    thread: str
    theme: str
    words: str
    outcome: str = "unknown"
    experiencer: str = "self"
    assertion: str = "asserted"
    condition: str | None = "achilles"


PHRASES: dict[str, tuple[Kind, str]] = {
    "rem-heeldrops": ("remedy", "heel drops"),
    "rem-magnets": ("remedy", "magnet socks"),
    "rem-hostile": ("remedy", "raised heel shoes"),
    "rem-lonely": ("remedy", "cold baths"),
    "cau-desk": ("cause", "sitting all day"),
    "dia-insertion": ("diagnosis", "insertional tendinopathy"),
}

HELPED = [
    ("ada", "2025-02-03"), ("bea", "2025-03-11"), ("cyd", "2025-07-20"), ("dov", "2025-08-02"),
    ("eli", "2025-11-30"), ("fay", "2026-01-15"), ("gus", "2026-04-02"),
]  # fmt: skip

WORDS: list[Word] = [
    *(
        Word(author, when, "calf", "rem-heeldrops", f"Week {n}: heel drops calmed it.", "helped")
        for n, (author, when) in enumerate(HELPED, start=6)
    ),
    Word("ada", "2025-04-03", "stairs", "rem-heeldrops", "Still on heel drops, good.", "helped"),
    Word("hal", "2025-05-01", "calf", "rem-heeldrops", "The heel drops did nothing.", "no_effect"),
    Word("ivy", "2025-05-09", "calf", "rem-heeldrops", "After heel drops it was worse.", "worse"),
    Word("jon", "2025-06-01", "calf", "rem-heeldrops", "Up and down with heel drops.", "mixed"),
    Word("kim", "2025-06-02", "calf", "rem-heeldrops", "I began heel drops on Monday."),
    Word("lou", "2025-06-03", "calf", "rem-heeldrops", "Have you tried heel drops?",
         experiencer="advice"),
    Word(None, "2025-06-04", "calf", "rem-heeldrops", "Do heel drops hurt at first?",
         experiencer="question"),
    Word("mia", "2025-06-05", "calf", "rem-magnets", "My magnet socks did nothing.", "no_effect"),
    Word("ned", "2025-06-06", "calf", "rem-magnets", "My magnet socks helped a bit.", "helped"),
    Word("oda", "2025-06-07", "stairs", "rem-hostile", HOSTILE_POST, "helped"),
    Word("pia", "2025-06-08", "desk", "cau-desk", "It is from sitting all day, I am sure.",
         condition="low_back"),
    Word("quin", "2025-06-09", "desk", "cau-desk", "My back hates sitting all day.",
         condition="low_back"),
    Word("ren", "2025-06-10", "desk", "cau-desk", "Not sitting all day, I walk for a living.",
         assertion="negated", condition="low_back"),
    Word("sol", "2025-06-11", "stairs", "dia-insertion", "It is insertional tendinopathy."),
    Word("tam", "2026-05-02", "stairs", "rem-lonely", "I swear by cold baths.", "helped"),
]  # fmt: skip


def pseudonym(author: str | None) -> str | None:
    """An invented author in the form of a pseudonym."""
    return author and "m_" + author.encode().hex().ljust(10, "0")[:10]


def _when(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def _source(url: str, engine: str) -> Source:
    return Source(url=url, site=url.split("/")[2], fetched=READ, engine=engine)


def threads() -> list[Thread]:
    """The invented threads, a post for each word."""
    found = []
    for name, url in THREADS.items():
        said = [word for word in WORDS if word.thread == name]
        posts = tuple(
            Post(
                id=str(n),
                number=n,
                text=word.words,
                author=pseudonym(word.author),
                written=_when(word.when),
                url=f"{url}#p{n}",
            )
            for n, word in enumerate(said, start=1)
        )
        engine = "phpbb" if BOARD in url else "discourse"
        found.append(Thread(source=_source(url, engine), title=TITLES[name], posts=posts))
    return found


def articles() -> list[Article]:
    """Two articles that disagree, and a shop."""
    texts = {
        "https://clinic.example/heel": (
            "The sore heel", "Heel drops help most people with a sore heel."),
        "https://blog.example/heel": (
            "Rest your heel", "Heel drops only make a sore heel angrier."),
        "https://shop.example/socks": (
            "Magnet socks", "Our magnet socks fix your heel in 48 hours."),
    }  # fmt: skip
    return [
        Article(source=_source(url, "article"), title=title, text=text)
        for url, (title, text) in texts.items()
    ]


def claims() -> tuple[list[Claim], dict[str, str]]:
    """The members' claims and their themes."""
    found: list[Claim] = []
    theme_of: dict[str, str] = {}
    numbers = dict.fromkeys(THREADS, 0)
    for word in WORDS:
        numbers[word.thread] += 1
        kind, phrase = PHRASES[word.theme]
        claim = Claim(
            kind=kind,
            phrase=phrase,
            phrase_start=word.words.index(phrase),
            quote=Quote(
                document=THREADS[word.thread],
                part=str(numbers[word.thread]),
                start=0,
                text=word.words,
            ),
            author=pseudonym(word.author),
            written=_when(word.when),
            experiencer=word.experiencer,  # type: ignore[arg-type]
            assertion=word.assertion,  # type: ignore[arg-type]
            outcome=word.outcome,  # type: ignore[arg-type]
            condition=word.condition,
            confidence=0.83,
        )
        found.append(claim)
        theme_of[claim.id] = word.theme
    return found, theme_of


def _sentence(theme: str, article: Article, source_type: str, direction: str) -> Evidence:
    return Evidence(
        theme=theme,
        source_type=source_type,  # type: ignore[arg-type]
        direction=direction,  # type: ignore[arg-type]
        quote=Quote(document=article.source.url, part="text", start=0, text=article.text),
        title=article.title,
        reasons=("promotional block",) if source_type == "commercial" else ("health credential",),
    )


def evidence() -> list[Evidence]:
    """A trial, two experts who disagree, and a shop's promise."""
    clinic, blog, shop = articles()
    return [
        Evidence(
            theme="rem-heeldrops",
            source_type="study",
            direction="supports",
            quote=None,
            design="rct",
            n=84,
            condition="achilles",
            study="10.1234/heel.2020.1",
            doi="10.1234/heel.2020.1",
            year=2020,
            title="Invented A. Heel loading against waiting. Journal of Heels 2020.",
            finding="Less pain after twelve weeks than with waiting.",
            reasons=("starter library",),
        ),
        _sentence("rem-heeldrops", clinic, "expert", "supports"),
        _sentence("rem-heeldrops", blog, "expert", "contradicts"),
        _sentence("rem-magnets", shop, "commercial", "supports"),
    ]


def mined() -> Mined:
    """What a run would conclude of it all."""
    found, theme_of = claims()
    pieces = evidence()
    trial, clinic, blog, _ = pieces
    covered = {"rem-heeldrops": 2, "rem-magnets": 1}
    names = {key: phrase for key, (_, phrase) in PHRASES.items()} | {"rem-hostile": HOSTILE_NAME}
    themes = []
    for key, (kind, _) in PHRASES.items():
        own = [claim for claim in found if theme_of[claim.id] == key]
        themes.append(
            Theme(
                id=key,
                kind=kind,
                name=names[key],
                claims=tuple(claim.id for claim in own),
                tally=tally(own),
                articles=covered.get(key, 0),
                conditions=tuple(dict.fromkeys(c.condition for c in own if c.condition)),
                related=("rem-magnets", "rem-hostile") if key == "rem-heeldrops" else (),
            )
        )
    search = Search(query="cold baths AND achilles", service="Europe PMC", when=READ, hits=0)
    blank = Grade(theme="", condition=None, level=None, status="not_searched", certainty=None,
                  reasons=("not_searched",))  # fmt: skip
    return Mined(
        claims=tuple(found),
        theme_of=theme_of,
        themes=tuple(themes),
        evidence=tuple(pieces),
        grades=(
            Grade(theme="rem-heeldrops", condition=None, level=2, status="supported",
                  certainty="low", reasons=("level_2", "design_rct", "lower_dissent",
                                            "certainty_few_people", "certainty_automatic"),
                  best=(trial.id,), dissent=(blog.id,)),
            Grade(theme="rem-heeldrops", condition="achilles", level=2, status="supported",
                  certainty="low", reasons=("level_2", "design_rct"), best=(trial.id,)),
            replace(blank, theme="rem-magnets", status="commercial_only",
                    reasons=("commercial_only",)),
            replace(blank, theme="rem-lonely", status="no_evidence", reasons=("none_found",),
                    searched=search),
            replace(blank, theme="cau-desk"),
        ),
        gaps=(
            Gap(theme="cau-desk", type="uncovered", score=62.5,
                parts={"authors": 30.0, "uncovered": 20.0, "weak_evidence": 12.5},
                reasons=("3 authors, in no article",)),
            Gap(theme="rem-magnets", type="weak_evidence", score=41.0,
                parts={"authors": 21.0, "uncovered": 0.0, "weak_evidence": 20.0},
                reasons=("commercial claims only",)),
        ),
        contradictions=(
            Contradiction(theme="rem-heeldrops", type="articles", supporting=(clinic.id,),
                          opposing=(blog.id,), reason="Two articles say opposite things.",
                          score=62.5, parts={"voices": 17.5, "balance": 20.0, "sources": 10.0,
                                             "people": 15.0},
                          reasons=("two of four", "even", "an expert each", "13 people")),
        ),
        events=(
            *(ThemeEvent(kind="born", theme=key) for key in PHRASES),
            ThemeEvent(kind="merged", theme="rem-old", into="rem-heeldrops"),
        ),
    )  # fmt: skip


def collect(path: Path | str) -> None:
    """Stores the documents."""
    corpus = Corpus(open_database(str(path)))
    documents: list[Document] = [*threads(), *articles()]
    for document in documents:
        corpus.add(document)
    visit = SiteVisit(site=FORUM, started=READ, finished=READ, status="partial",
                      reason="one page did not answer", pages=9)  # fmt: skip
    corpus.visited(visit)
    corpus.failed(f"https://{FORUM}/t/broken/9", "HTTP 500 <b>twice</b>")
    corpus.engine.dispose()


def conclude(path: Path | str) -> None:
    """Stores what a run concluded."""
    knowledge = Knowledge(open_database(str(path)))
    run = Run(
        started=MINED, finished=MINED, fingerprint="f", settings_hash="3fa9c1d2e4b5a697",
        models={"claims": EXTRACTOR, "embedder": "invented-1"},
        counts={"documents": 6, "claims": len(WORDS)},
        seconds={"claims": 1.5, "themes": 0.5},
    )  # fmt: skip
    done = knowledge.replace(run, mined())
    # Without vectors: a search by words needs no model.
    Index(knowledge.engine).replace(done.id or 0, "tfidf", passages(mined()), [], [])
    knowledge.engine.dispose()


def place(path: Address) -> Address:
    """The project with vectors, which the theme map is made of."""
    found = list(passages(mined()))
    meanings = list(dict.fromkeys(entry.meaning for one in found for entry in one.entries))
    vectors = [tfidf().encode(meanings).astype("float16")]
    engine = open_database(str(path))
    Index(engine).replace(1, "tfidf", found, meanings, vectors)
    engine.dispose()
    return path


def build(path: Address) -> Address:
    """The whole project in a database."""
    collect(path)
    conclude(path)
    return path


@pytest.fixture
def project_file(tmp_path: Path) -> Path:
    """Database of the small project."""
    return build(tmp_path / "project.db")


@pytest.fixture(scope="module")
def small_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Database of the small project with vectors, one for a whole module."""
    return place(build(tmp_path_factory.mktemp("project") / "project.db"))


@pytest.fixture(scope="session")
def make_small() -> Callable[[str], str]:
    """Makes the small project with vectors in an empty database."""
    return lambda address: place(build(address))


@pytest.fixture
def placed_file(project_file: Path) -> Path:
    """Database of the small project with vectors."""
    return place(project_file)


@pytest.fixture
def collected_file(tmp_path: Path) -> Path:
    """Database of a project that was never mined."""
    path = tmp_path / "collected.db"
    collect(path)
    return path


@pytest.fixture(autouse=True)
def no_cache() -> Iterator[None]:
    """Nothing is remembered from test to test."""
    yield
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def here(project_file: Path, monkeypatch: pytest.MonkeyPatch) -> data.State:
    """State of the small project, opened as the pages open it."""
    monkeypatch.setenv(data.DATABASE, str(project_file))
    return data.state()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Draws a page without a browser: `opened(database, page, **address)`."""

    def open_(database: Path, page: str, **address: str) -> AppTest:
        monkeypatch.setenv(data.DATABASE, str(database))
        app = AppTest.from_file(str(APP), default_timeout=60).run()
        app.switch_page(page)
        for name, value in address.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception
        return app

    return open_


CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    if not Path(CHROMIUM).is_file():
        assert "FOLKGRADE_REQUIRE_BROWSER" not in os.environ, f"no Chromium at {CHROMIUM}"
        pytest.skip(
            f"no Chromium at {CHROMIUM}: the tests marked `browser` were not run; "
            "install it (apt-get install chromium) or name one in CHROMIUM"
        )
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
