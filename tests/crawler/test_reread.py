"""Kept pages are read again into the same store, and go when what they show is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler import reread as rereading
from crawler.corpus import Corpus
from crawler.database import open_database
from crawler.documents import Article, Thread
from crawler.due import Changes, KnownPage, KnownThread
from crawler.frontier import Frontier
from crawler.intake import Intake
from crawler.page import Page
from crawler.privacy import pseudonym
from crawler.raw import RawPages
from crawler.reread import Reread, kept, reread
from crawler.scope import Scope
from crawler.sites import Site
from crawler.unkeep import traces, unkeep

KEY = bytes(range(32))
HOME = "https://heels.example"


def topic(number: int, *posts: tuple[str, str], title: str = "Sore heel") -> Page:
    """A Discourse topic as JSON: authors and texts of its posts."""
    said = ",".join(
        f'{{"id": {number}{n}, "post_number": {n}, "username": "{author}",'
        f' "cooked": "<p>{text}</p>", "created_at": "2024-05-0{n}T10:00:00.000Z",'
        f' "topic_id": {number}, "topic_slug": "t"}}'
        for n, (author, text) in enumerate(posts, start=1)
    )
    stream = ",".join(f"{number}{n}" for n in range(1, len(posts) + 1))
    return Page(
        url=f"{HOME}/t/{number}.json",
        text=f'{{"id": {number}, "title": "{title}", "slug": "t", "posts_count": {len(posts)},'
        f' "post_stream": {{"stream": [{stream}], "posts": [{said}]}}}}',
        fetched=datetime(2026, 1, 1, tzinfo=UTC),
        content_type="application/json",
    )


FIRST = topic(1, ("quiet_fern", "My heel hurts in the mornings."), ("brave_moss", "Mine does too."))
SECOND = topic(2, ("calm_birch", "Calf raises helped my tendon slowly but surely over months."))


@dataclass(frozen=True)
class Desk:
    corpus: Corpus
    frontier: Frontier
    raw: RawPages

    def reread(self, **wanted: object) -> Reread:
        """The account of a whole second reading."""
        with Intake(self.corpus, self.frontier, KEY) as intake:
            *_, last = reread(self.raw, intake, self.frontier, version="1", **wanted)  # type: ignore[arg-type]
        return last

    def texts(self) -> list[str]:
        found = (each for each in self.corpus.documents() if isinstance(each, Thread))
        return [post.text for thread in found for post in thread.posts]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    engine = open_database(str(tmp_path / "folkgrade.db"))
    with RawPages(tmp_path / "pages.db", KEY) as raw:
        yield Desk(Corpus(engine), Frontier(engine), raw)
    engine.dispose()


def test_kept_pages_are_read_into_the_store(desk: Desk) -> None:
    """The first time all is new, the second time all is the same; names are pseudonyms."""
    desk.raw.keep(FIRST)
    desk.raw.keep(SECOND)
    assert (first := desk.reread()).done == {"new": 2}
    assert (first.pages, first.total, first.posts) == (2, 2, 3)
    assert desk.reread().done == {"same": 2}
    authors = [post.author for each in desk.corpus.documents() for post in each.posts]  # type: ignore[union-attr]
    assert pseudonym("quiet_fern", "heels.example", KEY) in authors
    assert "quiet_fern" not in str(authors)


def test_a_better_engine_changes_what_is_stored(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a new version reads otherwise is changed in the store."""
    desk.raw.keep(FIRST)
    desk.reread()
    whole = rereading.engines.read

    def better(page: Page, engine: str | None = None, *more: object) -> object:
        return whole(replace(page, text=page.text.replace("mornings", "evenings")), engine)

    monkeypatch.setattr(rereading.engines, "read", better)
    assert desk.reread().done == {"changed": 1}
    assert "My heel hurts in the evenings." in desk.texts()


def test_a_page_that_cannot_be_read_is_counted(desk: Desk) -> None:
    """Its reason is told without the address, and the others are read."""
    wall = "<title>Just a moment...</title><div id='cf-challenge'></div>"
    desk.raw.keep(replace(FIRST, url=f"{HOME}/x", text=wall, content_type="text/html"))
    desk.raw.keep(SECOND)
    found = desk.reread()
    assert found.done == {"new": 1}
    assert sum(found.failures.values()) == 1
    assert HOME not in str(found.failures)


def test_what_must_not_be_kept_is_not_stored(desk: Desk) -> None:
    """What asks not to be indexed is left out at the second reading as at the first."""
    assert not kept(replace(FIRST, headers={"x-robots-tag": "noindex"})).documents
    desk.raw.keep(replace(FIRST, headers={"x-robots-tag": "noindex"}))
    assert not desk.reread().done


def test_an_interrupted_reading_goes_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the last page noted, by the same version alone."""
    monkeypatch.setattr(rereading, "_NOTE_EVERY", 1)
    for page in (FIRST, SECOND, topic(3, ("late_elm", "Knee too."))):
        desk.raw.keep(page)
    with Intake(desk.corpus, desk.frontier, KEY) as intake:
        steps = reread(desk.raw, intake, desk.frontier, version="1")
        next(steps)
        next(steps)
    last = desk.reread()
    assert last.resumed
    assert (last.done, last.pages) == ({"new": 1}, 3)
    assert desk.reread().done == {"same": 3}


def test_what_is_out_of_scope_stays_out(desk: Desk) -> None:
    """A thread that the crawl did not store is not stored from its kept page."""
    desk.raw.keep(FIRST)
    desk.raw.keep(SECOND)
    site = Site(start=(HOME,), scope=Scope(words=("tendon",)))
    assert desk.reread(sites=lambda _: site).done == {"new": 1}
    assert desk.texts() == ["Calf raises helped my tendon slowly but surely over months."]


def test_only_one_site_is_read_where_it_is_asked_for(desk: Desk) -> None:
    """The other site's pages are left alone."""
    desk.raw.keep(FIRST)
    desk.raw.keep(replace(SECOND, url="https://knees.example/t/2.json"))
    assert desk.reread(site="knees.example").done == {"new": 1}


def test_an_article_stays_the_users_own(desk: Desk) -> None:
    """Also where the settings do not name its site."""
    text = "".join(f"<p>Heel pain is common and slow to go away, part {n}.</p>" for n in range(30))
    page = (
        f"<!doctype html><html><head><title>Heel</title></head><body><article><h1>Heel</h1>{text}"
    )
    desk.raw.keep(replace(FIRST, url=f"{HOME}/a", text=page, content_type="text/html"))
    site = Site(start=(HOME,), own=True, engine="article")
    desk.reread(sites=lambda _: site)
    desk.reread(sites=lambda _: Site(start=(HOME,), engine="article"))
    (article,) = desk.corpus.documents()
    assert isinstance(article, Article)
    assert article.own


def forget(desk: Desk, key: str) -> int:
    """How many kept pages went with what was forgotten."""
    found = traces([key], desk.corpus, desk.frontier)
    desk.corpus.forget(key)
    return unkeep(desk.raw, found, KEY)


def test_forgetting_an_author_drops_every_page_that_names_them(desk: Desk) -> None:
    """Their threads, and pages elsewhere on the site that print the name; others stay."""
    other = topic(3, ("late_elm", "As quiet_fern said, rest."))
    for page in (FIRST, SECOND, other):
        desk.raw.keep(page)
    desk.reread()
    assert forget(desk, pseudonym("quiet_fern", "heels.example", KEY)) == 2
    assert [page.url for page in desk.raw.pages()] == [SECOND.url]
    desk.reread()
    assert "My heel hurts in the mornings." not in desk.texts()


def test_forgetting_a_post_drops_every_page_that_holds_its_words(desk: Desk) -> None:
    """Its thread, and a feed that repeats it with the letters written otherwise."""
    feed = replace(
        FIRST,
        url=f"{HOME}/posts.json",
        text=r'{"latest_posts": [{"raw": "\u003cp\u003eCalf raises helped my tendon slowly but '
        r'surely\nover months."}]}',
    )
    for page in (FIRST, SECOND, feed):
        desk.raw.keep(page)
    desk.reread()
    thread = next(d for d in desk.corpus.documents() if "Calf" in str(d))
    assert isinstance(thread, Thread)
    assert thread.posts[0].url
    assert forget(desk, thread.posts[0].url) == 2
    assert [page.url for page in desk.raw.pages()] == [FIRST.url]


def test_what_was_kept_last_has_the_last_word(desk: Desk) -> None:
    """An edit that a later answer shows is not undone by an older one of another address."""
    feed = replace(topic(1, ("quiet_fern", "It is better now.")), url=f"{HOME}/t/t/1/1.json")
    desk.raw.keep(feed)
    desk.raw.keep(FIRST)
    desk.raw.keep(feed)
    desk.reread()
    assert "It is better now." in desk.texts()
    assert desk.reread().done == {"changed": 2}


def test_a_thread_gone_at_its_source_does_not_come_back(desk: Desk) -> None:
    """Its kept page is old; the frontier knows better."""
    desk.raw.keep(FIRST)
    desk.reread()
    (thread,) = desk.corpus.documents()
    known = KnownThread(url=thread.source.url, site="heels.example", state="gone")
    desk.frontier.commit("heels.example", Changes(threads=(known,)))
    desk.corpus.drop(thread.source.url)
    assert not desk.reread().done
    assert desk.texts() == []


def test_posts_of_a_page_that_its_thread_lost_go(desk: Desk) -> None:
    """Once all pages of today were read, what is only on another one is purged."""
    desk.raw.keep(replace(topic(1, *[("late_elm", "Old words.")] * 3), url=f"{HOME}/t/1/2.json"))
    desk.raw.keep(FIRST)
    desk.reread()
    (thread,) = desk.corpus.documents()
    url = thread.source.url
    assert len(desk.texts()) == 3
    page = KnownPage(url=FIRST.url, site="heels.example", role="thread", thread=url, state="done")
    desk.frontier.commit("heels.example", Changes(pages=(page,)))
    assert desk.reread().purged == 1
    assert len(desk.texts()) == 2
