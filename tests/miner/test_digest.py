"""A digest tells what changed and nothing else, in each form, and the same change the same way."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crawler.corpus import Corpus
from crawler.database import open_database
from miner.digest import Digest, Section
from miner.errors import NothingMined, UnknownPart
from miner.knowledge import Knowledge, Run
from miner.letters import FORMATS, letter, markdown
from miner.model import Contradiction, Gap, MemberQuestion, Mined, Quote
from miner.snapshots import KEPT, Snapshots
from miner.telling import tell

Stores = tuple[Corpus, Knowledge]
LATER = datetime(2026, 6, 20, 9, 30, tzinfo=UTC)
Mine = Callable[..., Run]


@pytest.fixture
def project(database: str, build: Callable[[Corpus, Knowledge], None]) -> Iterator[Stores]:
    """Both stores of the small project, mined once, in each kind of database in turn."""
    engine = open_database(database)
    corpus, knowledge = Corpus(engine), Knowledge(engine)
    build(corpus, knowledge)
    yield corpus, knowledge
    engine.dispose()


def told(project: Stores, since: datetime | None = None) -> Digest:
    """The digest of the small project."""
    return tell(*project, since, project="Heels", base="http://127.0.0.1:8501")


def sections(digest: Digest) -> set[tuple[Section, str]]:
    """Section and theme of each entry."""
    return {(entry.section, entry.theme) for entry in digest.entries}


def changed(mined: Mined) -> Mined:
    """Conclusions of which a level, a gap, a dispute and a theme are others."""
    first, *others = mined.grades
    heel, desk, slow = mined.themes
    asked = replace(desk.tally, said=0, asked=2)
    return replace(
        mined,
        themes=(heel, replace(desk, tally=asked), replace(slow, id="rem-new", name="new shoes")),
        grades=(replace(first, level=3, status="contested"), *others),
        gaps=(
            *mined.gaps,
            Gap(theme="rem-heel", type="weak_evidence", score=20.0, parts={"weak_evidence": 20.0}),
        ),
        contradictions=(
            *mined.contradictions,
            Contradiction(
                theme="rem-heel", type="articles", supporting=(), opposing=(), reason="They differ."
            ),
        ),
    )


def test_the_first_digest_tells_everything_as_new(project: Stores) -> None:
    """Every theme is new, and so are its gap and its contradiction."""
    digest = told(project)
    assert digest.since is None
    assert sections(digest) == {
        ("new", "rem-heel"),
        ("new", "cau-desk"),
        ("new", "rem-slow"),
        ("gap", "cau-desk"),
        ("contradiction", "rem-heel"),
    }


def test_a_digest_after_a_digest_is_empty_and_says_so(project: Stores) -> None:
    """Nothing is told twice."""
    Snapshots(project[1].engine).tell(told(project).run)
    digest = told(project)
    assert not digest.entries
    for name in ("md", "html", "eml"):
        assert b"Nothing changed." in letter(name, digest)


def test_the_next_digest_tells_just_what_changed(
    project: Stores, next_run: Mine, conclusions: Callable[[], Mined]
) -> None:
    """A level, a gap, a dispute, a question, a new theme and one that went; nothing else."""
    Snapshots(project[1].engine).tell(told(project).run)
    project[1].replace(next_run(finished=LATER), changed(conclusions()))
    digest = told(project)
    assert sections(digest) == {
        ("new", "rem-new"),
        ("grade", "rem-heel"),
        ("gap", "rem-heel"),
        ("contradiction", "rem-heel"),
        ("unanswered", "cau-desk"),
        ("gone", "rem-slow"),
    }
    said = {entry.section: entry.text for entry in digest.entries}
    assert said["grade"] == "From level 2, supported to level 3, contested."
    assert said["contradiction"] == "They differ."


def test_a_day_tells_what_changed_since_and_remembers_nothing(
    project: Stores, next_run: Mine, conclusions: Callable[[], Mined]
) -> None:
    """The state before that day is what counts, however many runs and digests followed."""
    project[1].replace(next_run(finished=LATER), changed(conclusions()))
    digest = told(project, LATER - timedelta(days=1))
    assert ("grade", "rem-heel") in sections(digest)
    assert ("new", "rem-heel") not in sections(digest)
    assert ("new", "rem-heel") in sections(told(project, datetime(2020, 1, 1, tzinfo=UTC)))
    assert Snapshots(project[1].engine).told() == 0


def test_rising_and_falling_are_counted_in_people(
    project: Stores, next_run: Mine, conclusions: Callable[[], Mined]
) -> None:
    """Five who wrote in the last weeks, none in the weeks before: rising, and later falling."""
    store = project[1]
    posted = datetime(2025, 3, 20, tzinfo=UTC)
    for finished in (posted - timedelta(days=29), posted):
        store.replace(next_run(finished=finished), conclusions())
    Snapshots(store.engine).tell(2)
    assert ("rising", "rem-heel") in sections(told(project))
    store.replace(next_run(finished=posted + timedelta(days=28)), conclusions())
    Snapshots(store.engine).tell(3)
    assert ("falling", "rem-heel") in sections(told(project))


def test_a_change_keeps_its_id_and_date_however_often_it_is_told(
    project: Stores, next_run: Mine, conclusions: Callable[[], Mined]
) -> None:
    """A run that changes nothing leaves the entries of a feed as they were."""
    store = project[1]
    Snapshots(store.engine).tell(1)
    store.replace(next_run(finished=LATER), changed(conclusions()))
    before = {(e.id, e.when) for e in told(project).entries if e.section != "falling"}
    store.replace(next_run(finished=LATER + timedelta(days=3)), changed(conclusions()))
    after = {(e.id, e.when) for e in told(project).entries if e.section != "falling"}
    assert before == after
    assert {when for _, when in after} == {LATER}


def test_the_feed_is_read_again(project: Stores) -> None:
    """The library feedparser finds no fault; each entry has id, date, title and link."""
    import feedparser

    feed = feedparser.parse(letter("atom", told(project)))
    assert not feed.bozo
    assert feed.version == "atom10"
    assert len(feed.entries) == 5
    assert len({entry.id for entry in feed.entries}) == 5
    for entry in feed.entries:
        assert entry.id.startswith("urn:uuid:")
        assert entry.updated == "2026-05-20T09:30:00Z"
        assert entry.link.startswith("http://127.0.0.1:8501/theme?theme=")
    assert feed.feed.id.startswith("urn:uuid:")
    assert feed.feed.updated == "2026-05-20T09:30:00Z"


def test_the_feed_has_what_the_standard_asks_for(project: Stores) -> None:
    """RFC 4287: id, title, updated and an author for the feed, id, title and updated an entry."""
    from lxml import etree

    feed = etree.fromstring(letter("atom", told(project)))
    space = {"a": "http://www.w3.org/2005/Atom"}
    assert feed.tag == "{http://www.w3.org/2005/Atom}feed"
    for name in ("id", "title", "updated", "author"):
        assert len(feed.findall(f"a:{name}", space)) == 1
    for entry in feed.findall("a:entry", space):
        for name in ("id", "title", "updated", "content"):
            assert len(entry.findall(f"a:{name}", space)) == 1


def test_the_mail_has_text_and_page(project: Stores) -> None:
    """Read by the standard library, both parts hold the same themes; no picture is fetched."""
    digest = told(project)
    body = letter("eml", digest)
    mail: Any = email.message_from_bytes(body, policy=email.policy.default)
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    plain, page = (part.get_content() for part in mail.iter_parts())
    for words in ("heel drops", "sitting all day", "not medical advice"):
        assert words in plain
        assert words in page
    assert not re.search(r"<(img|script|link)|url\(", page)
    assert letter("eml", digest) == body
    assert mail["Subject"] == "Heels: 3 new themes, 1 new contradictions, 1 new gaps"


def test_words_of_others_are_text_in_every_form(
    project: Stores, next_run: Mine, conclusions: Callable[[], Mined]
) -> None:
    """A theme named like a tag, a link or a header changes nothing but its own line."""
    mined = conclusions()
    evil = "<img src=x> [x](https://evil.example)\r\nBcc: a@b.example"
    heel, *others = mined.themes
    project[1].replace(
        next_run(finished=LATER), replace(mined, themes=(replace(heel, name=evil), *others))
    )
    digest = told(project)
    assert b"<img" not in letter("html", digest)
    assert "[x](https" not in markdown(digest).decode()
    mail: Any = email.message_from_bytes(letter("eml", digest), policy=email.policy.default)
    assert mail["Bcc"] is None


def test_sites_are_said_with_how_fresh_they_are(project: Stores) -> None:
    """A line a site."""
    digest = told(project)
    assert "forum.example: last read 2026-05-19" in digest.freshness
    assert all(line.encode() in letter("html", digest) for line in digest.freshness)


def test_every_form_carries_the_caution(project: Stores) -> None:
    """Also where nothing changed."""
    Snapshots(project[1].engine).tell(1)
    digest = told(project)
    for name in FORMATS:
        body = letter(name, digest).replace(b"=\r\n", b"")
        assert b"not medical advice" in body


def test_an_unknown_form_lists_the_known_ones(project: Stores) -> None:
    """The error names them."""
    with pytest.raises(UnknownPart, match="md, html, eml, atom"):
        letter("pdf", told(project))


def test_a_project_that_was_never_mined_has_nothing_to_tell(tmp_path: Any) -> None:
    """The error says what to run."""
    engine = open_database(str(tmp_path / "new.db"))
    with pytest.raises(NothingMined, match="folkgrade mine"):
        told((Corpus(engine), Knowledge(engine)))


def asking(author: str, answers: int = 0) -> MemberQuestion:
    """A question that several may ask."""
    text = "How long must I wait before I may run on it again?"
    quote = Quote(document=f"https://forum.example/t/{author}", part="1", start=0, text=text)
    return MemberQuestion(quote=quote, author=author, answers=answers, inquiry="ask-run")


def test_a_question_is_told_once_more_people_have_no_answer(
    project: Stores, next_run: Mine, conclusions: Callable[[], Mined]
) -> None:
    """From two askers on, in five of its words, and not again while nothing changes."""
    store = project[1]

    def next_digest(*questions: MemberQuestion) -> list[str]:
        store.replace(next_run(finished=LATER), replace(conclusions(), questions=questions))
        digest = told(project)
        Snapshots(store.engine).tell(digest.run)
        return [f"{one.name}: {one.text}" for one in digest.of("unanswered")]

    assert next_digest(asking("m_a")) == []
    words = "How long must I wait …"
    assert next_digest(asking("m_a"), asking("m_b")) == [
        f"{words}: 2 of 2 who ask it got no answer."
    ]
    assert next_digest(asking("m_a"), asking("m_b")) == []
    assert next_digest(asking("m_a"), asking("m_b", 1)) == []
    (line,) = next_digest(asking("m_a"), asking("m_b", 1), asking("m_c"))
    assert line.endswith("2 of 3 who ask it got no answer.")


def test_snapshots_of_before_are_still_read(project: Stores) -> None:
    """They held the themes alone."""
    import json

    import sqlalchemy as sa

    engine = project[1].engine
    with engine.begin() as connection:
        value = json.loads(connection.scalar(sa.text("SELECT value FROM snapshots")) or "")
        old = {"value": json.dumps(value["themes"])}
        connection.execute(sa.text("UPDATE snapshots SET value = :value"), old)
    (snapshot,) = Snapshots(engine).every()
    assert set(snapshot.states) == {"rem-heel", "cau-desk", "rem-slow"}
    assert snapshot.left == {}


def test_snapshots_hold_no_words_and_do_not_pile_up(
    project: Stores, next_run: Mine, conclusions: Callable[[], Mined]
) -> None:
    """The oldest go, but not the one that was told last."""
    import sqlalchemy as sa

    store = project[1]
    Snapshots(store.engine).tell(1)
    for _ in range(KEPT + 3):
        store.replace(next_run(finished=LATER), conclusions())
    runs = [one.run for one in Snapshots(store.engine).every()]
    assert len(runs) == KEPT + 1
    assert runs[0] == 1
    with store.engine.connect() as connection:
        values = connection.scalars(sa.text("SELECT value FROM snapshots")).all()
    assert not [value for value in values if "heel drops" in value]
