"""The time machine: what each change does to a forum, as its lists and topics then tell it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from crawler.replica import changes
from crawler.replica.answer import Answer, Ask
from crawler.replica.content import Forum, Topic
from crawler.replica.discourse import respond
from crawler.replica.invented import invented

FORUM = invented(30, 200, seed=6)
TOPIC = FORUM.topics[4]
OTHER = FORUM.topics[20]
LATE = FORUM.topics[-1].last.written + timedelta(days=1)


def state(forum: Forum, topic: Topic) -> tuple[object, ...]:
    """What a list tells of a topic."""
    now = forum.by_id[topic.id]
    return now.bumped_at, len(now.messages), now.last.n


def texts(forum: Forum, topic: Topic) -> list[str]:
    return [message.text for message in forum.by_id[topic.id].messages]


def ask(forum: Forum, path: str) -> Answer:
    return respond(forum, Ask(path=path))


def test_nothing_changes_but_what_was_asked() -> None:
    """Every function gives a new forum; the old one is as it was."""
    before = texts(FORUM, TOPIC)
    changes.edit(FORUM, TOPIC.stream[0], "x", LATE)
    assert texts(FORUM, TOPIC) == before


def test_a_new_post_brings_its_topic_up() -> None:
    """At the end, with the next number and a fresh id, by a member known from now on."""
    forum = changes.add(FORUM, TOPIC.id, "newcomer_1", "Me too.", LATE)
    last = forum.by_id[TOPIC.id].last
    assert (last.id, last.n) == (201, TOPIC.last.n + 1)
    assert forum.recent[0].id == TOPIC.id
    assert "newcomer_1" in forum.members


def test_a_new_topic_is_the_first_of_the_list() -> None:
    """With an id nobody had."""
    forum = changes.start(FORUM, "newcomer_1", "Hello.", LATE, title="My heel", category="Kit")
    assert forum.recent[0].slug == "my-heel"
    assert forum.recent[0].id == max(FORUM.by_id) + 1


@pytest.mark.parametrize("place", [0, -1])
def test_only_an_edit_of_the_last_post_brings_a_topic_up(place: int) -> None:
    """`bump` says otherwise; the version counts up and the time of the edit shows."""
    number = TOPIC.stream[place]
    is_last = number == TOPIC.last.id
    forum = changes.edit(FORUM, number, "Other words.", LATE)
    message = forum.by_id[TOPIC.id].post(number)
    known = 2 if TOPIC.post(number).edited else 1
    assert (message.text, message.edited, message.version) == ("Other words.", LATE, known + 1)
    assert (forum.recent[0].id == TOPIC.id) == is_last
    quiet = changes.edit(FORUM, number, "Other words.", LATE, bump=False)
    assert state(quiet, TOPIC) == state(FORUM, TOPIC)


def test_hidden_and_withdrawn_posts_stay_in_their_place() -> None:
    """Neither shows in a list; a withdrawn one says who took it back."""
    one, two = TOPIC.stream[1], TOPIC.stream[2]
    forum = changes.withdraw(changes.hide(FORUM, one), two, LATE)
    assert state(forum, TOPIC) == state(FORUM, TOPIC)
    topic = forum.by_id[TOPIC.id]
    assert topic.post(one).hidden
    assert (topic.post(two).withdrawn, topic.post(two).text) == (True, changes.WITHDRAWN)


def test_a_deleted_post_leaves_a_gap() -> None:
    """The others keep their numbers and the topic its place; one that was last takes it down."""
    forum = changes.delete(FORUM, TOPIC.stream[1])
    numbers = [message.n for message in forum.by_id[TOPIC.id].messages]
    assert numbers == [n for n in range(1, TOPIC.last.n + 1) if n != 2]
    assert state(forum, TOPIC)[0] == TOPIC.bumped_at
    forum = changes.delete(FORUM, TOPIC.last.id)
    assert state(forum, TOPIC) == (
        TOPIC.messages[-2].written,
        len(TOPIC.messages) - 1,
        TOPIC.last.n - 1,
    )


def test_a_quote_outlives_what_it_quotes() -> None:
    """Who was quoted is still told when the quoted post is gone."""
    quoting = ((t, m) for t in FORUM.topics for m in t.messages if m.quotes)
    topic, message = next((t, m) for t, m in quoting if m.quotes[0].n > 1)
    quoted = topic.message(message.quotes[0].n)
    forum = changes.delete(FORUM, quoted.id)
    posts = json.loads(ask(forum, f"/t/{topic.id}.json").body)["post_stream"]["posts"]
    row = next(post for post in posts if post["id"] == message.id)
    assert f'data-username="{quoted.author}"' in row["cooked"]


def test_deleting_the_first_post_deletes_the_topic() -> None:
    """It is in no list and answers 404."""
    forum = changes.delete(FORUM, TOPIC.stream[0])
    assert TOPIC.id not in forum.by_id
    assert ask(forum, f"/t/{TOPIC.id}.json").status == 404


def test_moved_posts_get_new_numbers_in_their_new_topic() -> None:
    """Their ids stay; neither topic comes up; a note may stand in their old place."""
    posts = TOPIC.stream[2:4]
    forum = changes.move(FORUM, posts, OTHER.id)
    end = forum.by_id[OTHER.id].messages[-2:]
    assert [message.id for message in end] == list(posts)
    assert [message.n for message in end] == [OTHER.last.n + 1, OTHER.last.n + 2]
    assert texts(forum, OTHER)[-2:] == [TOPIC.post(number).text for number in posts]
    assert not set(posts) & set(forum.by_id[TOPIC.id].stream)
    for topic in (TOPIC, OTHER):
        assert forum.by_id[topic.id].bumped_at == topic.bumped_at
    noted = changes.move(FORUM, posts, OTHER.id, noted=True)
    note = noted.by_id[TOPIC.id].message(3)
    assert (note.kind, note.text) == (3, "")


def test_a_merged_topic_leads_on_or_nowhere() -> None:
    """All its posts are in the other one, the first under a new id; 301 or 404 at its address."""
    forum = changes.merge(FORUM, TOPIC.id, OTHER.id)
    assert texts(forum, OTHER) == texts(FORUM, OTHER) + texts(FORUM, TOPIC)
    assert len(set(forum.homes)) == 200
    moved = ask(forum, f"/t/{TOPIC.id}.json")
    assert moved.status == 301
    assert moved.headers["Location"].endswith(f"/t/{OTHER.slug}/{OTHER.id}")
    forum = changes.merge(FORUM, TOPIC.id, OTHER.id, permalink=False)
    assert ask(forum, f"/t/{TOPIC.id}.json").status == 404


def test_a_renamed_topic_keeps_its_number() -> None:
    """The old address leads to the new one."""
    forum = changes.rename(FORUM, TOPIC.id, "A Better Name")
    moved = ask(forum, f"/t/{TOPIC.slug}/{TOPIC.id}")
    assert moved.headers["Location"].endswith(f"/t/a-better-name/{TOPIC.id}")


def test_what_is_not_there_cannot_change() -> None:
    """KeyError for a post or topic nobody knows."""
    for change in (
        lambda: changes.edit(FORUM, 9999, "x", LATE),
        lambda: changes.add(FORUM, 9999, "x", "y", LATE),
        lambda: changes.remove(FORUM, 9999),
    ):
        with pytest.raises(KeyError):
            change()
