"""The privacy proof: who is planted in a thousand posts is nowhere in what is kept or shown.

Names, addresses and numbers are planted, everything is run, and every file is searched: the
database page by page and table by table, its log, exports, digests and pages. Everybody is
invented.
"""

from __future__ import annotations

import io
import json
import re
import sqlite3
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import folkgrade
from console.project import Project, make_project
from crawler.documents import Thread
from crawler.privacy import pseudonym
from crawler.replica.server import host
from crawler.replica.topics import read_topics
from dashboard.check import PAGES
from dashboard.data import DATABASE
from dashboard.serve import APP
from miner.export import EXPORTERS

MEMBERS = 120
FORGOTTEN = 42
"""Members, who are a hundred authors on the sites where they write."""
TOPICS, POSTS_OF_A_TOPIC = 40, 15
COMMENTS, MAILS, LINES = 200, 150, 50
POSTS = TOPICS * POSTS_OF_A_TOPIC + COMMENTS + MAILS + LINES
GIVEN = ("Giovanni", "Dmitri", "Kirsten", "Lorraine", "Gwendolyn", "Alejandro")
FAMILY = ("Quarnbeck", "Zelvorth", "Pextonby", "Thrumwell", "Oddercliff", "Vashmoor")
STEMS = (
    "marrowpike", "tildavorne", "JunoPexley", "zelkorath", "brimwocket", "Vexhollow",
    "quoralinde", "OttolineB", "snargletoft", "Wyvernette", "hex.plover", "old_grumbold",
)  # fmt: skip
REMEDIES = ("heel drops", "calf raises", "a night splint", "ice", "flat shoes", "a week of rest")
OUTCOMES = ("helped a lot", "made it worse", "did nothing for me", "fixed my sore heel")


@dataclass(frozen=True)
class Member:
    """Somebody invented, and all by which they could be known."""

    number: int
    user: str
    """The user name."""

    @property
    def given(self) -> str:
        return GIVEN[self.number % len(GIVEN)]

    @property
    def full(self) -> str:
        return f"{self.given} {FAMILY[self.number // 6 % len(FAMILY)]}"

    @property
    def email(self) -> str:
        return f"box.{self.number}.kelp@posthaus.example"

    @property
    def phone(self) -> str:
        return f"+44 20 7946 {self.number:04d}"


def _user(number: int) -> str:
    """A user name: of letters alone, with figures, with joints, in all cases."""
    turn, stem = divmod(number, len(STEMS))
    return f"{STEMS[stem]}{turn + 60 if turn else ''}"


EVERYBODY = [Member(number, _user(number)) for number in range(MEMBERS)]
CANARIES = sorted(name.casefold() for name in (*STEMS, *GIVEN, *FAMILY, "posthaus", "20 7946"))
"""What every name, address and number planted begins with or holds."""
OWN = "sprond"
"""How the word begins that each post alone has."""


def word(number: int) -> str:
    """A word that this post alone has."""
    return OWN + "".join("bdfgklmnpr"[int(digit)] + "u" for digit in f"{number:04d}")


def author(number: int) -> Member:
    """Who wrote the post."""
    return EVERYBODY[number * 7 % MEMBERS]


def other(number: int) -> Member:
    """Whom the post speaks of: somebody who writes beside it."""
    return author(number - 1 if number % 10 else number + 1)


PLANTS: tuple[Callable[[Member, Member], str], ...] = (
    lambda _me, you: f"@{you.user} thanks for that.",
    lambda _me, you: f"As {you.user} said, it takes time.",
    lambda _me, you: f"Hi {you.given}, welcome.",
    lambda me, _you: f"Write to {me.email} if you like.",
    lambda me, _you: f"You can call me on {me.phone} in the evening.",
    lambda me, _you: f"My name is {me.given} and I am new.",
    lambda _me, you: f"See https://heels.example/u/{you.user.replace(' ', '.')} for more.",
    lambda me, _you: f"Mail: {me.email.replace('@', ' (at) ').replace('.example', ' dot org')}",
    lambda _me, you: f"{you.user} told me so, and {you.user} was right.",
    lambda _me, you: f"I agree with {you.user.upper()}.",
    lambda me, _you: f"I am {me.full}, by the way.",
    lambda _me, you: f"Thanks {you.full}!",
)
"""The ways in which people are named."""


def said(number: int, *, signed: bool = False, listed: bool = False) -> str:
    """What the post says: a claim with its own word, and somebody planted.

    On a mailing list people are known by their full names.
    """
    me, you = author(number), other(number)
    if listed:
        me, you = (replace(one, user=one.full) for one in (me, you))
    remedy, outcome = REMEDIES[number % len(REMEDIES)], OUTCOMES[number // 3 % len(OUTCOMES)]
    claim = f"I tried {remedy} in the {word(number)} way and it {outcome}."
    if number % 5 == 0:
        claim = f"I tried the {remedy} of {you.user} the {word(number)} way and they {outcome}."
    plant = PLANTS[number * 5 // 7 % len(PLANTS)](me, you)
    end = f"\n\nCheers,\n{me.given}" if signed and number % 4 == 0 else ""
    return f"{claim} {plant}{end}"


def forum(folder: Path) -> None:
    """Topics as Discourse gives them, in which people quote each other."""
    for topic in range(TOPICS):
        first = topic * POSTS_OF_A_TOPIC
        posts = [_discourse_post(topic, first, n) for n in range(POSTS_OF_A_TOPIC)]
        whole: dict[str, Any] = {
            "id": topic + 7, "title": f"Sore heel of {author(first).user}, {topic}",
            "slug": "sore-heel", "posts_count": len(posts),
            "post_stream": {"stream": [post["id"] for post in posts], "posts": posts},
        }  # fmt: skip
        (folder / f"{topic}.json").write_text(json.dumps(whole), encoding="utf-8")


def _discourse_post(topic: int, first: int, n: int) -> dict[str, Any]:
    number = first + n
    me, you = author(number), other(number)
    quote = ""
    if n % 3 == 2:
        quote = (
            f'<aside class="quote" data-username="{you.user}" data-post="{n}" '
            f'data-topic="{topic + 7}"><div class="title">{you.user}:</div>'
            f"<blockquote>{said(number - 1).splitlines()[0]}</blockquote></aside>"
        )
    body = "".join(f"<p>{line}</p>" for line in said(number, signed=True).split("\n\n"))
    return {
        "id": 1000 + number, "post_number": n + 1, "username": me.user, "name": me.full,
        "topic_id": topic + 7, "topic_slug": "sore-heel",
        "created_at": f"2024-05-{n + 1:02d}T10:00:00.000Z",
        "cooked": quote + body.replace("\n", "<br>"),
        "avatar_template": f"/user_avatar/heels.example/{me.user}/{{size}}/1.png",
    }  # fmt: skip


def dump(path: Path, start: int) -> None:
    """Comments of a dump of Reddit, in ten threads."""
    rows: list[dict[str, Any]] = []
    for number in range(start, start + COMMENTS):
        thread, at = divmod(number - start, 20)
        row: dict[str, Any] = {"subreddit": "heels", "author": author(number).user,
               "created_utc": 1700000000 + number}  # fmt: skip
        if at == 0:
            row |= {"id": f"s{thread}", "title": f"Heel {thread}", "selftext": said(number)}
        else:
            quoted = f"> {said(number - 1)}\n\n" if at % 4 == 0 else ""
            row |= {"id": f"c{number}", "link_id": f"t3_s{thread}", "parent_id": f"t3_s{thread}",
                    "body": quoted + said(number)}  # fmt: skip
        rows.append(row)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def mails(path: Path, start: int) -> None:
    """A mail archive with addresses in its heads and names in its signatures."""
    parts = []
    for number in range(start, start + MAILS):
        me, you, subject = author(number), other(number), (number - start) // 15
        parts.append(
            f"From {me.email} Mon Jan  6 10:00:00 2025\n"
            f"From: {me.full} <{me.email}>\nSubject: Re: [heels] Heel {subject}\n"
            f"Message-ID: <{number}.{me.user}@posthaus.example>\n"
            f"In-Reply-To: <{start + 15 * subject}.x@posthaus.example>\n"
            f"Date: Mon, 06 Jan 2025 10:{number % 60:02d}:00 +0100\n\n"
            f"On Sun, 5 Jan 2025, {you.full} wrote:\n> {said(number - 1, listed=True)}\n\n"
            f"{said(number, listed=True)}\n\n-- \n{me.full}, {me.phone}\n"
        )
    path.write_text("\n".join(parts), encoding="utf-8")


def lines(path: Path, start: int) -> None:
    """Threads as our own lines have them."""
    with path.open("w", encoding="utf-8") as file:
        for first in range(start, start + LINES, 10):
            posts = [{"id": str(n), "author": author(n).user, "text": said(n)}
                     for n in range(first, first + 10)]  # fmt: skip
            thread = {"kind": "thread", "url": f"https://rows.example/t/{first}",
                      "title": "Sore heel", "posts": posts}  # fmt: skip
            file.write(json.dumps(thread) + "\n")


@dataclass(frozen=True)
class Command:
    """Commands in one project, run in this process."""

    folder: Path
    logs: Path

    def __call__(self, *arguments: object) -> int:
        """Exit code; all that is said is kept beside the project."""
        out, code = io.StringIO(), 0
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.argv", ["folkgrade", *map(str, arguments), "-p", str(self.folder)])
            patch.setenv("FOLKGRADE_CRAWL__DELAY", "0")
            patch.setenv("FOLKGRADE_MINE__EMBEDDER", "tfidf")
            patch.setattr("sys.stdout", out)
            patch.setattr("sys.stderr", out)
            # Not `file`: undone, that one would name one stream for all tests to come.
            patch.setattr("console.terminal.err._file", out)
            try:
                folkgrade.main()
            except SystemExit as end:
                code = int(end.code or 0)
        number = len(list(self.logs.iterdir()))
        log = self.logs / f"{number:03d}-{arguments[0]}.txt"
        log.write_text(out.getvalue(), encoding="utf-8")
        return code


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """A project with a thousand posts, mined; nothing of it is exported yet."""
    folder = tmp_path_factory.mktemp("canary")
    for name in ("forum", "project", "logs", "in"):
        (folder / name).mkdir()
    make_project(folder / "project")
    run = Command(folder / "project", folder / "logs")
    forum(folder / "forum")
    with host(read_topics(folder / "forum")) as replica:
        assert run("crawl", "--no-topic", replica.sites[0].url) == 0
    start = TOPICS * POSTS_OF_A_TOPIC
    dump(folder / "in" / "RC_2024-01.jsonl", start)
    mails(folder / "in" / "list.mbox", start + COMMENTS)
    lines(folder / "in" / "threads.jsonl", start + COMMENTS + MAILS)
    assert run("import", folder / "in") == 0
    assert run("mine", "--fast") == 0
    return run


Texts = Iterable[tuple[str, bytes]]


def planted(texts: Texts) -> dict[str, set[str]]:
    """Who of the planted stands in which of the texts."""
    found = {}
    for name, content in texts:
        folded = content.lower()
        if hits := {canary for canary in CANARIES if canary.encode() in folded}:
            found[name] = hits
    return found


def spoken(texts: Texts, numbers: Iterable[int]) -> dict[str, set[str]]:
    """Of which of the posts words stand in which of the texts."""
    wanted = {word(number) for number in numbers}
    pattern = re.compile(rb"%s[a-z]{8}" % OWN.encode())
    found = {}
    for name, content in texts:
        if hits := {one.decode() for one in pattern.findall(content.lower())} & wanted:
            found[name] = hits
    return found


def files_of(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file as it lies there, and what is packed in it."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name, content = str(path.relative_to(folder)), path.read_bytes()
            yield name, content
            yield from _unpacked(name, content)


def _unpacked(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """What is in an archive or a table of columns."""
    if content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for inner in archive.namelist():
                held = archive.read(inner)
                yield f"{name}/{inner}", held
                yield from _unpacked(f"{name}/{inner}", held)
    elif content[:4] == b"PAR1":
        yield f"{name} read", pd.read_parquet(io.BytesIO(content)).to_csv().encode()


def tables_of(database: Path) -> Iterator[tuple[str, bytes]]:
    """Every value of every table, for a long one is cut up on the pages; and the words indexed."""
    base = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)
    names = [row[0] for row in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert {"posts", "claims", "search_passages", "search_words"} <= set(names)
    for name in names:
        yield name, repr(base.execute(f'SELECT * FROM "{name}"').fetchall()).encode()
    base.execute("CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, search_words, row)")
    terms = [row[0] for row in base.execute("SELECT term FROM temp.words")]
    assert len(terms) > 100
    yield "search terms", "\n".join(terms).encode()
    base.close()


def pages_of(database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, bytes]]:
    """What every page of the dashboard shows."""
    monkeypatch.setenv(DATABASE, str(database))
    theme = Project(database.parent.parent).stores()[1].themes()[0].id
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    for page in PAGES:
        app.switch_page(page)
        if page == "theme.py":
            app.query_params["theme"] = theme
        app.run()
        assert not app.exception, page
        shown = [repr(element.proto) for element in app.main] + [repr(app.main), repr(app.sidebar)]
        yield page, "\n".join(shown).encode()


def exports_of(command: Command, out: Path, forms: Iterable[str]) -> None:
    """Exports with all their words, digests in every form, and what programs are told."""
    out.mkdir()
    for form in forms:
        assert command("export", form, "--quotes", "full", "--out", out / f"{form}.zip") == 0
    for form in ("md", "html", "eml", "atom"):
        since = ("--since", "2020-01-01")
        assert command("digest", *since, "--format", form, "--out", out / f"digest.{form}") == 0
    for line in (("themes", "--json"), ("status", "--json"), ("search", "heel drops", "--json")):
        assert command(*line) == 0


def test_nobody_planted_is_anywhere(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in the database, its log, the kept pages, the exports, the pages or what is printed."""
    out = command.folder.parent / "out"
    exports_of(command, out, EXPORTERS)
    database = command.folder / "data" / "folkgrade.db"
    assert len(Project(command.folder).stores()[1].claims()) > 300
    everything = {
        "files": planted(files_of(command.folder)),
        "tables": planted(tables_of(database)),
        "exports": planted(files_of(out)),
        "printed": planted(files_of(command.logs)),
        "pages": planted(pages_of(database, monkeypatch)),
    }
    assert not any(everything.values()), everything


def test_what_the_forgotten_said_is_nowhere(command: Command) -> None:
    """Of a hundred authors no word stays, quoted or not, and none in free pages or the log."""
    here = Project(command.folder)
    key, database = here.vault.key(), command.folder / "data" / "folkgrade.db"
    sites = [site.site for site in here.corpus().sites()]
    names = {name for one in EVERYBODY[:FORGOTTEN] for name in (one.user, one.full)}
    theirs = [n for n in range(POSTS) if author(n).number < FORGOTTEN]
    others = [n for n in range(POSTS) if author(n).number >= FORGOTTEN]
    before = spoken(tables_of(database), theirs)
    assert len(set().union(*before.values())) > 0.95 * len(theirs)
    known = {p.author for d in here.corpus().documents() if isinstance(d, Thread) for p in d.posts}
    keys = {pseudonym(name, site, key) for name in names for site in sites} & known
    assert len(keys) >= 100
    assert command("forget", *sorted(keys)) == 0
    assert not (left := spoken(files_of(command.folder), theirs)), left
    assert not (left := spoken(tables_of(database), theirs)), left
    with here.vault.raw() as raw:
        assert not spoken([(page.url, page.text.encode()) for page in raw.pages()], theirs)
    assert command("mine", "--fast") == 0
    out = command.folder.parent / "again"
    exports_of(command, out, ("jsonl", "html"))
    assert not (left := spoken(files_of(out), theirs)), left
    assert not (left := spoken(files_of(command.folder), theirs)), left
    still = spoken(tables_of(database), others)
    assert len(set().union(*still.values())) > 0.5 * len(others)
