"""Borders between pasted posts: what the page printed decides, the rest is weighed and stated."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler import borders, plain
from crawler.blocks import Block, blocks, joined, normal, numbers, patterns, wordlists
from crawler.documents import Thread
from crawler.files import Request, read_file

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def likely(text: str) -> list[float]:
    return borders.probabilities([b for b in blocks(text) if b.text])


def test_closing_line_ends_the_post_above() -> None:
    """`1 Like` is a certain border, its count is kept and the line is in no post."""
    found = blocks("One post.\n\n1 Like\n\nAnother.\n\n23 Likes")
    assert [(b.text, b.closed, b.likes) for b in found] == [
        ("One post.", False, None),
        ("Another.", True, 1),
        ("", True, 23),
    ]
    assert likely("One post.\n\n1 Like\n\nAnother.") == [1.0]


@pytest.mark.parametrize("line", ["I got 3 likes", "3 Likes are nothing", "Likes", "12 sets"])
def test_prose_about_likes_closes_nothing(line: str) -> None:
    """Only a line that is nothing but a count of likes closes a post."""
    assert not any(b.closed for b in blocks(f"One.\n\n{line}\n\nTwo."))


def test_closing_line_without_blank_lines_is_found() -> None:
    """A count right below the text closes it too."""
    assert [b.text for b in blocks("One post.\n2 Likes\nAnother.")] == ["One post.", "Another."]


def test_blank_lines_are_counted() -> None:
    """Blocks know how many blank lines stood before them, so that a lost quote shows."""
    assert [b.blanks for b in blocks("a\n\nb\n\n\nc\n \n\t\nd")] == [0, 1, 2, 2]


def test_joined_blocks_are_the_text_they_came_from() -> None:
    """A post is put together with the very blank lines it had."""
    text = "a\nb\n\n\nc\n\n\n\nd"
    assert joined(blocks(text)) == text


def test_greeting_stays_with_the_post_it_opens() -> None:
    """A line of greeting is a likely begin of a post and an unlikely end of one."""
    before, after = likely(
        "I ran ten miles and my shin is sore again, what should I do?\n\nHi Marlow,\n\n"
        "Sorry to read that. Have you thought of softer ground for your long runs?"
    )
    assert before > 0.6
    assert after < 0.2


def test_bullets_of_one_list_stay_together() -> None:
    """Two items of a list are hardly ever by two people."""
    (gap,) = likely("1. Rest for a week and ice the heel.\n\n2. Walk on soft ground after that.")
    assert gap < 0.25


def test_answer_to_a_question_is_likelier_a_border_than_a_continuation() -> None:
    """A yes after a question weighs more than an also after a statement."""
    (answer,) = likely("Have you tried a wider shoe?\n\nYes I have, it did not help me much.")
    (more,) = likely("I have tried a wider shoe.\n\nAlso I have iced it, which did not help much.")
    assert answer > more + 0.2


def test_confidence_is_full_when_every_border_is_printed() -> None:
    """Posts of one block each between closing lines leave nothing to guess."""
    run = [b for b in blocks("One.\n\n1 Like\n\nTwo.\n\n2 Likes\n\nThree.") if b.text]
    assert borders.split(run).confidence == 1.0


def test_confidence_is_the_expected_share_of_exact_posts() -> None:
    """A border of probability p makes both its posts right with p; a joined gap 1 - p."""
    assert borders.confidence([0.8], [True]) == pytest.approx(0.8)
    assert borders.confidence([0.2], [False]) == pytest.approx(0.8)
    assert borders.confidence([0.8, 0.1], [True, False]) == pytest.approx((0.8 + 0.8 * 0.9) / 2)


def test_split_loses_and_repeats_nothing() -> None:
    """The posts are the blocks in order."""
    run = [Block(text=f"Line {n} about my knee.", blanks=1 + n % 2) for n in range(40)]
    found = borders.split(run)
    assert [b for post in found.posts for b in post] == run
    assert 0 <= found.confidence <= 1


def test_no_blocks_are_no_posts() -> None:
    """An empty run has no posts and no confidence."""
    assert borders.split([]) == borders.Split(posts=(), confidence=0.0)


def test_normal_text_has_line_feeds_only() -> None:
    """Marks of Windows, old printers and bad exports are gone."""
    assert normal("\ufeffa\r\nb\rc\fd\x00\n\n") == "a\nb\nc\nd"


def test_weights_hold_no_word_outside_the_lists() -> None:
    """Coefficients of single words exist only for the function words written in plain.toml."""
    weights = json.loads((Path(borders.__file__).parent / "weights" / "borders.json").read_text())[
        "weights"
    ]
    known = {word for words in wordlists("openers").values() for word in words}
    singles = {name.removeprefix("opening ") for name in weights if name.startswith("opening ")}
    assert singles
    assert singles <= known


def test_lists_and_patterns_hold_something() -> None:
    """No list is empty, no pattern finds something in nothing, every weight has its count."""
    assert all(words and all(words) for words in wordlists("openers").values())
    for group in ("lines", "closing", "persons", "habits", "talk", "printed", "authors", "dates"):
        assert [name for name, p in patterns(group).items() if p.search("")] == []
    assert set(numbers("kind")) - {"base"} == set(plain._counted("A title\n\nI ran."))


def folded(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


@pytest.mark.shared
def test_seed_thread_is_mostly_found(shared: Path) -> None:
    """Of the 20 posts of the pasted thread at least 14 are exact; no printed border is lost."""
    (path,) = (shared / "seeds").glob("004_*.txt")
    (found,) = read_file(path, Request(fetched=NOW)).documents
    assert isinstance(found, Thread)
    gold = json.loads((shared / "gold" / "threads" / "v_seed_psoas.json").read_text())
    expected = {folded(post["text"]) for post in gold["posts"]}
    assert found.title == gold["title"]
    assert sum(folded(post.text) in expected for post in found.posts) >= 14
    text = path.read_text()
    assert all(post.text in text for post in found.posts)
