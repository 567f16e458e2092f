"""Whole runs on a store: ids, names and what people decided hold over new posts and regroupings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from crawler.corpus import Corpus
from crawler.database import open_database
from crawler.documents import Document, Post, Source, Thread
from miner.current import Current
from miner.decisions import decided
from miner.embed import load
from miner.knowledge import Knowledge
from miner.model import Claim, Decision, Quote, Theme, ThemeEvent
from miner.pipeline import Options, mine
from miner.undoing import remembered, taken_back

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TFIDF = Options(embedder="tfidf")
WAYS = (
    "twice a day",
    "for a month",
    "before bed",
    "on the stairs",
    "with a towel",
    "in the garden",
)
THINGS = ("heel drops", "copper bracelet", "beetroot juice", "flat pedals", "night splint")


class Spotter:
    """A fake extractor: `tried X.` is a remedy that helped."""

    version: ClassVar[str] = "spotter-1"

    def extract(self, document: Document) -> list[Claim]:
        assert isinstance(document, Thread)
        return [claim for post in document.posts for claim in self.of(document, post)]

    def of(self, thread: Thread, post: Post) -> Iterator[Claim]:
        for match in re.finditer(r"tried ([^.]+)\.", post.text):
            quote = Quote(document=thread.source.url, part=post.id, start=match.start(),
                          text=match[0])  # fmt: skip
            yield Claim(kind="remedy", phrase=match[1], phrase_start=match.start(1), quote=quote,
                        author=post.author, outcome="helped")  # fmt: skip


def thread(number: int, *said: str) -> Thread:
    """A thread in which each author tried one thing."""
    url = f"https://forum.example/t/{number}"
    source = Source(url=url, site="forum.example", fetched=NOON, engine="discourse")
    posts = tuple(
        Post(id=f"p{n}", number=n, text=f"I tried {text}.", author=f"m_{number}_{n}", written=NOON)
        for n, text in enumerate(said, 1)
    )
    return Thread(source=source, title="Sore hip", posts=posts)


def threads(count: int) -> list[Thread]:
    """Threads on every thing, each used in some way."""
    return [
        thread(n, *(f"{thing} {WAYS[(n + m) % len(WAYS)]}" for m, thing in enumerate(THINGS)))
        for n in range(count)
    ]


def quiet(stage: str, done: int, total: int | None) -> None:
    """Progress that nobody watches."""


class Project:
    """Both stores, and what people do with them."""

    def __init__(self, path: Path) -> None:
        engine = open_database(str(path))
        self.corpus, self.stored, self.knowledge = (
            Corpus(engine),
            Knowledge(engine),
            Current(engine),
        )
        self.days = 0

    def run(self, documents: Iterable[Thread] = (), options: Options = TFIDF) -> None:
        """Collects and mines."""
        for document in documents:
            self.corpus.add(document)
        mine(self.corpus, self.stored, options, quiet)

    def decide(self, action: str, target: str, **value: object) -> int:
        """Keeps a decision as the page Review does."""
        self.days += 1
        bare = Decision(action=action, target=target, value=value, who="me",  # type: ignore[arg-type]
                        when=NOON + timedelta(days=self.days))  # fmt: skip
        return self.knowledge.decide(remembered(bare, self.knowledge.themes()))

    def theme(self, id_: str) -> Theme:
        """The theme of that id, as it is now."""
        theme = self.knowledge.theme(id_)
        assert theme is not None
        return theme

    def about(self, words: str) -> Theme:
        """The theme that holds the claims with these words."""
        at = self.knowledge.theme_of()
        ids = {at[c.id] for c in self.knowledge.claims() if words in c.phrase and c.id in at}
        (id_,) = ids
        return self.theme(id_)

    def shape(self) -> bytes:
        """Everything that was concluded of themes."""
        return repr(self.knowledge.themes()).encode()

    def told(self) -> list[ThemeEvent]:
        """What the last run changed."""
        last = self.knowledge.last_run()
        return self.knowledge.events(last.id if last else None)


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Project]:
    """A new project of that name."""
    monkeypatch.setattr("miner.pipeline.engines.load", lambda *_: Spotter())
    return lambda name: Project(tmp_path / f"{name}.db")


@pytest.fixture
def project(start: Callable[[str], Project]) -> Project:
    """A project of five themes, mined once."""
    made = start("p")
    made.run(threads(4))
    return made


def test_after_a_rename_a_merge_and_a_rerun_the_decisions_hold(project: Project) -> None:
    """With a fifth more documents: names, members and ids are as people set them."""
    gone, into = project.about("copper bracelet"), project.about("night splint")
    project.decide("rename", into.id, name="Things worn at night")
    project.decide("merge", gone.id, into=into.id)
    project.run()
    project.run(threads(6))
    found = project.about("copper bracelet")
    assert (found.id, found.name) == (into.id, "Things worn at night")
    assert project.about("night splint").id == into.id
    assert project.knowledge.theme(gone.id) == found
    assert found.tally.authors == 12
    assert gone.id in {part.id for part in found.parts} or found.parts
    assert not [event for event in project.told() if event.kind in ("merged", "split", "died")]


def test_a_merge_is_taken_back_after_a_rerun_with_new_posts(project: Project) -> None:
    """The old id is alive again, with the new posts that say the same words; and stays so."""
    gone, into = project.about("copper bracelet"), project.about("night splint")
    number = project.decide("merge", gone.id, into=into.id)
    project.run(threads(9))
    assert project.about("copper bracelet").id == into.id
    project.knowledge.undo(number)
    assert set(gone.claims) <= set(project.theme(gone.id).claims)
    project.run()
    assert project.about("copper bracelet").id == gone.id
    assert project.about("night splint").id == into.id
    assert ThemeEvent(kind="split", theme=into.id, into=gone.id) in project.told()
    project.run(threads(11))
    assert project.about("copper bracelet").id == gone.id


def test_a_split_holds_and_its_new_theme_takes_new_posts(project: Project) -> None:
    """Its id stays over runs; what says the same words goes with it."""
    whole = project.about("beetroot juice")
    claims = project.knowledge.claims(theme=whole.id)
    chosen = [claim.id for claim in claims if "before bed" in claim.phrase]
    project.decide("split", whole.id, claims=chosen, name="Juice at night")
    project.run()
    new = project.about("beetroot juice before bed")
    assert (new.name, new.id == whole.id) == ("Juice at night", False)
    project.run(threads(12))
    again = project.about("beetroot juice before bed")
    assert (again.id, again.name) == (new.id, "Juice at night")
    assert project.about("beetroot juice twice a day").id == whole.id


def test_a_move_survives_another_encoder(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other vectors, the same themes and the same decision."""
    into = project.about("flat pedals")
    strange = next(c for c in project.knowledge.claims() if c.phrase == "heel drops for a month")
    project.decide("move", strange.id, theme=into.id)
    project.run()

    def turned(name: str) -> object:
        inner = load(name)

        class Turned:
            name = "turned"

            def encode(self, texts: list[str]) -> object:
                return inner.encode([text[::-1] for text in texts])

        return Turned()

    monkeypatch.setattr("miner.pipeline.load", turned)
    project.run(threads(6))
    assert strange.id in project.about("flat pedals").claims
    assert project.about("flat pedals").id == into.id
    assert project.about("heel drops twice a day").id != into.id


def test_a_decision_on_what_vanished_holds_when_it_is_back(project: Project) -> None:
    """The posts are gone for a run, and so is the theme; then all is as it was decided."""
    every = threads(4)
    juice = project.about("beetroot juice")
    project.decide("rename", juice.id, name="Red juice")
    moved = next(c for c in project.knowledge.claims() if c.phrase == "heel drops before bed")
    project.decide("move", moved.id, theme=juice.id)
    project.run()
    url = moved.quote.document
    project.corpus.purge([one.source.url for one in every])
    other = [thread(n, "flat pedals at work", "night splint at home") for n in (90, 91)]
    project.run(other)
    assert project.knowledge.theme(juice.id) is None
    project.run(every)
    back = project.about("beetroot juice")
    assert (back.id, back.name) == (juice.id, "Red juice")
    assert moved.id in back.claims
    assert url in {claim.quote.document for claim in project.knowledge.claims(theme=back.id)}


def test_a_rejected_theme_stays_away_when_new_posts_come(project: Project) -> None:
    """And is told once as gone, not born again at every run."""
    pedals = project.about("flat pedals")
    project.decide("reject", pedals.id)
    project.run()
    assert ThemeEvent(kind="died", theme=pedals.id) in project.told()
    project.run(threads(6))
    assert pedals.id not in {theme.id for theme in project.knowledge.themes()}
    assert pedals.id not in {event.theme for event in project.told()}


def test_a_name_follows_a_theme_that_a_run_merged_away() -> None:
    """Where the theme it went into has none of its own; else that one stays."""
    claims = [Claim(kind="remedy", phrase=p, phrase_start=0, author=p, quote=Quote(
        document="d", part=p, start=0, text=p)) for p in ("ice", "frost")]  # fmt: skip
    whole = Theme(id="rem-bbbbbb", kind="remedy", name="ice", claims=tuple(c.id for c in claims))

    def named(target: str, name: str, day: int) -> Decision:
        return Decision(action="rename", target=target, value={"name": name}, who="me",
                        when=NOON + timedelta(days=day))  # fmt: skip

    led = {"rem-aaaaaa": "rem-gone00", "rem-gone00": "rem-bbbbbb"}
    lone = named("rem-aaaaaa", "Cold", 1)
    assert decided([whole], claims, [lone], led)[0][0].name == "Cold"
    assert decided([whole], claims, [lone])[0][0].name == "ice"
    both = [named("rem-bbbbbb", "Water", 0), named("rem-aaaaaa", "Cold", 1)]
    assert decided([whole], claims, both, led)[0][0].name == "Water"


def test_a_merge_is_taken_back_out_of_the_theme_a_run_put_it_in() -> None:
    """What it went into was itself merged away since."""
    claims = [Claim(kind="remedy", phrase=p, phrase_start=0, author=p, quote=Quote(
        document="d", part=p, start=0, text=p)) for p in ("ice", "frost", "snow")]  # fmt: skip
    now = Theme(id="rem-cccccc", kind="remedy", name="snow", claims=tuple(c.id for c in claims))
    value = {"into": "rem-bbbbbb", "claims": [claims[0].id], "was": "ice", "kind": "remedy"}
    merge = Decision(action="merge", target="rem-aaaaaa", value=value, who="me", when=NOON)
    themes, events = taken_back([now], claims, [merge], {"rem-bbbbbb": "rem-cccccc"})
    assert {theme.id: theme.claims for theme in themes} == {
        "rem-cccccc": (claims[1].id, claims[2].id), "rem-aaaaaa": (claims[0].id,)}  # fmt: skip
    assert events == (ThemeEvent(kind="split", theme="rem-cccccc", into="rem-aaaaaa"),)


def test_two_projects_of_the_same_documents_are_equal_to_the_last_byte(
    start: Callable[[str], Project],
) -> None:
    """Whatever order they were collected in; and a forced run changes nothing."""
    one, other = start("one"), start("other")
    one.run(threads(5))
    other.run(reversed(threads(5)))
    assert one.shape() == other.shape()
    one.run()
    assert one.shape() == other.shape()
    assert one.told() == []
