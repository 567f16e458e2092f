"""What members ask, whether anybody wrote back, and which questions want one answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from crawler.database import open_database
from crawler.documents import Post, Quoted, Source, Thread, part_text
from miner.asking import questions
from miner.coverage import coverage, covered
from miner.current import Current
from miner.inquiries import grouped, inquiries, linked
from miner.knowledge import Knowledge, Run
from miner.memory import Mind
from miner.model import Claim, Decision, MemberQuestion, Mined, Quote, Theme

DAY = datetime(2026, 1, 1, tzinfo=UTC)
SOURCE = Source(url="https://forum.example/t/1", site="forum.example", fetched=DAY, engine="x")


def thread(*said: tuple[str, str], title: str = "", **linked_to: str) -> Thread:
    """A thread of author and words; `p2="p1"` says which post answers which."""
    posts = tuple(
        Post(id=f"p{n}", number=n, author=f"m_{who}", text=text,
             written=DAY + timedelta(hours=n), reply_to=linked_to.get(f"p{n}"))
        for n, (who, text) in enumerate(said, 1)
    )  # fmt: skip
    return Thread(source=SOURCE, title=title, posts=posts)


def asked(*said: tuple[str, str], **more: str) -> list[str]:
    """The questions of a thread."""
    return [one.quote.text for one in questions(thread(*said, **more))]


@pytest.mark.parametrize(
    "text",
    [
        "How long until a calf tear stops hurting?",
        "Has anyone here had their meniscus trimmed",
        "should i keep rowing with a sore rib",
        "Is it normal that the scar itches so much?",
        "I was wondering whether insoles do anything for bunions.",
    ],
)
def test_what_anybody_could_answer_is_a_question(text: str) -> None:
    """With its mark or without."""
    assert asked(("ann", f"Hello all. {text}")) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "Any ideas?",
        "What do you think?",
        "Why bother?",
        "How long it takes depends on the tear and on the surgeon.",
        "What helped my shin was a week in bed.",
        "[Bo] wrote:\n> Does tape help a sore shin?\n",
    ],
)
def test_what_says_too_little_or_states_or_repeats_is_none(text: str) -> None:
    """Nor is a quote of somebody else."""
    assert asked(("ann", text)) == []


def test_a_reply_asks_only_what_it_asks_of_all() -> None:
    """What is asked back of the opener, and advice in the form of a question, do not count."""
    opener = ("ann", "My shin is sore since the marathon.")
    back = "Did your shin swell overnight? Have you tried insoles for that shin?"
    assert asked(opener, ("bo", back)) == []
    assert asked(opener, ("bo", "Does anyone else get a sore shin from clogs?")) != []
    assert asked(opener, ("bo", "Can I swim with a sore shin as well?")) != []


def test_a_title_that_asks_counts_for_the_opener() -> None:
    """Its words stand in the title."""
    (one,) = questions(thread(("ann", "See above."), title="Does a brace help tennis elbow?"))
    assert (one.author, one.quote.part, one.written) == ("m_ann", "title", DAY + timedelta(hours=1))


def test_quotes_stand_in_their_post_with_emoji_and_crlf() -> None:
    """Offsets count code points of the stored text."""
    page = thread(("ann", "🎉 Hello.\r\n\r\n🦶🏽 Is a boot better than a cast for toes? Bye."))
    (one,) = questions(page)
    text = part_text(page, one.quote.part) or ""
    assert text[one.quote.start : one.quote.end] == one.quote.text
    assert one.quote.text.startswith("Is a boot")


ASKED = ("ann", "Does swimming help a stiff hip?")


def answers(*replies: tuple[str, str], **links: str) -> int:
    """How many wrote back on the question of the first post."""
    return questions(thread(ASKED, *replies, **links))[0].answers


def test_somebody_answers_who_states_something_on_it() -> None:
    """By one of its telling words, or in a post that says it answers this one; people count."""
    on_it = "Swimming twice a week loosened mine up nicely."
    beside = "I went twice a week for a month and it did."
    assert answers(("bo", on_it)) == 1
    again = "For me swimming did more than any stretch ever had."
    assert (
        answers(
            ("bo", on_it), ("bo", again), ("cy", "I gave up swimming after the second sore week.")
        )
        == 2
    )
    assert answers(("bo", beside)) == 0
    assert answers(("bo", beside), p2="p1") == 1
    assert answers(("ann", on_it)) == 0
    assert answers(("bo", "Is swimming not bad for a stiff hip at all?")) == 0
    assert answers(("bo", "Following, I have the same question about swimming.")) == 0
    assert answers(("bo", "Welcome to the forum and to the swimming section!")) == 0


def test_a_post_that_quotes_the_question_answers_it() -> None:
    """Whoever the quote names."""
    page = thread(ASKED, ("bo", "It did a lot of good to me over the winter."))
    quote = Quoted(text="Does swimming help a stiff hip?")
    page = replace(page, posts=(page.posts[0], replace(page.posts[1], quotes=(quote,))))
    assert questions(page)[0].answers == 1


def test_a_thread_without_posts_asks_nothing_twice() -> None:
    """A piece of a thread may hold a title alone."""
    assert [one.answers for one in questions(thread(title="Does ice help a bruise?"))] == [0]


# --- grouped --------------------------------------------------------------------------------------


def question(
    text: str, author: str | None = "m_a", place: int = 1, **more: object
) -> MemberQuestion:
    """A question in a post of its own."""
    quote = Quote(document=f"https://forum.example/t/{place}", part="p1", start=0, text=text)
    when = DAY + timedelta(days=place)
    return MemberQuestion(quote=quote, author=author, written=when, **more)  # type: ignore[arg-type]


def by_first_word(texts: Sequence[str]) -> NDArray[np.float32]:
    """A row per text: an axis for each first word."""
    axes = ["how", "can", "does"]
    return np.array([[float(t.startswith(a)) for a in axes] for t in texts], dtype=np.float32)


def same_row(
    rows: NDArray[np.float32], _weights: Sequence[int], _blocks: Sequence[int]
) -> NDArray[np.int64]:
    """Groups equal rows."""
    return np.unique(rows, axis=0, return_inverse=True)[1].astype(np.int64).ravel()


MANY = [
    question("How long does it take?", "m_a", 1),
    question("How soon is it over?", "m_b", 2, answers=1),
    question("how  LONG does it take?", "m_c", 3),
    question("Can I row?", "m_a", 4, answers=2),
    question("Can I row?", "m_a", 5),
    question("Does it scar?", None, 6),
]


def test_questions_of_one_meaning_are_one_inquiry_of_people() -> None:
    """Most people first; whoever got one answer counts as answered."""
    found = inquiries(grouped(MANY, by_first_word, same_row))
    assert [(one.askers, one.answered, one.open) for one in found] == [
        (3, 1, 2),
        (1, 0, 1),
        (1, 1, 0),
    ]
    assert found[0].text.lower().split() == ["how", "long", "does", "it", "take?"]
    assert (found[0].threads, found[0].sites) == (3, 1)


def test_the_order_of_the_questions_changes_nothing() -> None:
    """Nor does it matter what else is asked, for the ids."""
    forward, backward = (grouped(some, by_first_word, same_row) for some in (MANY, MANY[::-1]))
    assert forward == backward
    fewer = {one.id for one in inquiries(grouped(MANY[:3], by_first_word, same_row))}
    assert fewer < {one.id for one in inquiries(forward)}
    assert grouped([], by_first_word, same_row) == ()


def test_the_same_questions_are_compared_once() -> None:
    """What is remembered changes nothing; one question more and all are compared."""
    memory, compared = Mind(), list[int]()

    def counted(
        rows: NDArray[np.float32], weights: Sequence[int], blocks: Sequence[int]
    ) -> NDArray[np.int64]:
        compared.append(len(blocks))
        return same_row(rows, weights, blocks)

    alone = grouped(MANY, by_first_word, same_row)
    told = [grouped(some, by_first_word, counted, memory) for some in (MANY, MANY[::-1])]
    assert told == [alone, alone]
    assert compared == [4]
    grouped([*MANY, question("How sore?", "m_d", 7)], by_first_word, counted, memory)
    assert compared == [4, 5]


def test_a_question_is_about_the_themes_of_the_claims_in_it() -> None:
    """Of those that a person has not rejected."""
    one = question("Does swimming help?")
    claim = Claim(kind="remedy", phrase="swimming", phrase_start=5, quote=one.quote)
    other = Claim(kind="remedy", phrase="rest", phrase_start=40, quote=one.quote)
    theme_of = {claim.id: "rem-swim", other.id: "rem-rest"}
    assert linked([one], [claim, other], theme_of)[0].themes == ("rem-swim",)
    assert linked([one], [claim], {})[0].themes == ()


# --- coverage -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "place", "label"),
    [
        ({"a", "b"}, "own", "in 1 of your articles, in 1 of others'"),
        ({"a"}, "own", "in 1 of your articles, in none of others'"),
        ({"b", "c"}, "others", "in none of your articles, in 2 of others'"),
        (set(), "none", "in no article"),
    ],
)
def test_coverage_tells_the_user_s_articles_from_others(
    told: set[str], place: str, label: str
) -> None:
    """And without articles of their own it tells of all."""
    theme = covered(Theme(id="t", kind="remedy", name="x", claims=()), told, {"a"})
    found = coverage(theme, own=True)
    assert (found.place, found.label) == (place, label)
    assert "your" not in coverage(theme, own=False).label


def test_a_question_is_about_the_theme_its_own_was_merged_into(tmp_path: Path) -> None:
    """At once, without a new run; of a theme that is gone nothing is left."""
    engine = open_database(str(tmp_path / "project.db"))
    knowledge = Knowledge(engine)
    one = question("Does swimming help?", themes=("rem-swim", "rem-gone"))
    claims = {
        key: Claim(kind="remedy", phrase="swimming", phrase_start=place, quote=one.quote)
        for place, key in enumerate(("rem-swim", "rem-water"))
    }
    themes = tuple(
        Theme(id=key, kind="remedy", name=key, claims=(claim.id,)) for key, claim in claims.items()
    )
    theme_of = {claim.id: key for key, claim in claims.items()}
    run = Run(started=DAY, finished=DAY, fingerprint="f", settings_hash="s")
    mined = Mined(claims=tuple(claims.values()), theme_of=theme_of, themes=themes, questions=(one,))
    knowledge.replace(run, mined)
    merge = Decision(
        action="merge", target="rem-swim", value={"into": "rem-water"}, who="me", when=DAY
    )
    knowledge.decide(merge)
    assert knowledge.questions() == [one]
    assert [q.themes for q in Current(engine).questions()] == [("rem-water",)]
