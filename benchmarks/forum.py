"""Text of an invented forum in any amount, whose vocabulary goes on growing as that of people does.

The sentences of the written threads are mixed word by word (a chain that may go over to another
sentence where two words are the same), and three sorts of novelty are put in: rare words, and
phrases of claims, each drawn from an endless list with a heavy tail. With such a list the number of
different words after n of them grows as a power of n (Heaps' law), however much is drawn.
"""

from __future__ import annotations

import io
import json
import math
import random
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "training"))

import written

from crawler import documents
from crawler.documents import Source, Thread
from crawler.streams import zstd

__all__ = [
    "Forum",
    "Post",
    "articles",
    "curve",
    "exponent",
    "studies",
    "threads",
    "words_of",
    "write_dump",
    "write_lines",
]

WORDS = 0.6
"""Exponent aimed at for words: posts of real people have 0.57 to 0.65."""
PHRASES = 0.9
"""The same for the phrases of claims, different ones against all."""
KNOWN_WORDS, KNOWN_PHRASES = 9_000, 5_000
"""Where the endless lists begin: behind what the written threads hold."""
RARE, NEW_PHRASE, OTHER_PHRASE = 0.07, 0.5, 0.2
"""Shares: of long words that are rare ones; of phrases that are new ones, or another thread's."""
JUMP = 0.3
"""How often a chain goes over to another sentence where it may."""
IDLE = 0.73
"""Share of sentences with a claim that are passed over: real posts have 3.6 claims in 100 words."""
MEAN, SPREAD = math.log(70), 0.8
"""Of the logarithm of a post's words: 70 in the middle, about 96 on average."""
OPEN_THREADS = 50
"""Threads whose posts come mixed with each other's."""
START = 1_600_000_000
"""Seconds since 1970 at which the forum begins; a post a minute."""

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_LOOSE = re.compile(r" ([,.!?;:)\]])|([(\[]) ")
"""Blanks that came between a claim and what stood at it."""
_VOWELS, _OTHERS = "aeiou", "bcdfghklmnprstvz"


@dataclass(frozen=True, kw_only=True)
class Post:
    """A post before it is written in any form."""

    thread: int
    number: int
    """From 1, the one that opens the thread."""
    author: str
    minute: int
    title: str
    text: str


class _Tail:
    """Ranks of an endless list: the share of rank r falls as (r + first) ** -(1 / exponent)."""

    def __init__(self, exponent: float, first: int) -> None:
        self._power = -1 / (1 / exponent - 1)
        self._first = first

    def draw(self, rng: random.Random) -> int:
        """A rank from 0; any number may come."""
        return int(min(self._first * ((1 - rng.random()) ** self._power - 1), 1e15))


@dataclass(frozen=True, kw_only=True)
class _Word:
    """A word of a sentence; a marked claim is one word, with its kind."""

    text: str
    kind: str = ""


class Forum:
    """Threads of posts without end: the same seed gives the same posts, whatever is asked first."""

    def __init__(self, seed: int = 1) -> None:
        """Reads the written threads."""
        self.seed = seed
        posts = [(p["text"], p["claims"]) for t in written.threads() for p in t["posts"]]
        self._sentences = [s for text, claims in posts for s in _sentences(text, claims)]
        self._onward = _onward(self._sentences)
        marked = sorted({(w.kind, w.text) for s in self._sentences for w in s if w.kind})
        self._phrases: dict[str, list[str]] = {
            kind: [text for one, text in marked if one == kind]
            for kind in sorted({kind for kind, _ in marked})
        }
        said = sorted({w.lower() for text, _ in posts for w in _WORD.findall(text)})
        self._bases: list[str] = [word for word in said if 4 <= len(word) <= 9 and word.isalpha()]
        self._titles: list[str] = sorted({thread["title"] for thread in written.threads()})
        self._rare, self._new = _Tail(WORDS, KNOWN_WORDS), _Tail(PHRASES, KNOWN_PHRASES)

    def posts(self, count: int, *, first_thread: int = 0) -> Iterator[Post]:
        """So many posts in order of time; those of threads that are open at once are mixed."""
        rng = random.Random(f"{self.seed} {first_thread}")
        members = max(20, int(count**0.8))
        left: list[tuple[int, list[str]]] = []
        told: dict[int, tuple[str, int]] = {}
        coming = first_thread
        for minute in range(count):
            while len(left) < OPEN_THREADS:
                left.append((coming, [""] * min(300, 1 + int(rng.paretovariate(1.2) * 3))))
                coming += 1
            place = min(int(rng.expovariate(0.1)), len(left) - 1)
            thread, waiting = left[place]
            waiting.pop()
            title, number = told.get(thread, ("", 0))
            title = title or self._title(rng)
            told[thread] = (title, number + 1)
            author = f"member{int(members * rng.random() ** 2)}"
            yield Post(
                thread=thread,
                number=number + 1,
                author=author,
                minute=minute + first_thread,
                title=title,
                text=self.text(rng, int(rng.lognormvariate(MEAN, SPREAD))),
            )
            if not waiting:
                left.pop(place)
                del told[thread]

    def text(self, rng: random.Random, words: int) -> str:
        """Sentences of at least so many words in all, in paragraphs."""
        said: list[str] = []
        count = 0
        while count < words:
            said.append(self.sentence(rng))
            count += said[-1].count(" ") + 1
            if rng.random() < 0.2:
                said.append("\n\n")
        return re.sub(r" ?\n\n ?", "\n\n", " ".join(said)).strip()

    def sentence(self, rng: random.Random) -> str:
        """A sentence mixed of written ones, with rare words and new phrases in it."""
        words = self._mixed(rng)
        while any(word.kind for word in words) and rng.random() < IDLE:
            words = self._mixed(rng)
        return _LOOSE.sub(r"\1\2", " ".join(self._said(rng, word) for word in words))

    def _mixed(self, rng: random.Random) -> list[_Word]:
        sentence = self._sentences[rng.randrange(len(self._sentences))]
        place, words = 0, list[_Word]()
        while place < len(sentence) and len(words) < 60:
            words.append(sentence[place])
            if place and rng.random() < JUMP:
                ways = self._onward[sentence[place - 1].text, sentence[place].text]
                sentence, place = ways[rng.randrange(len(ways))]
            place += 1
        return words

    def phrase(self, rng: random.Random, kind: str, own: str) -> str:
        """A claim's own phrase, another of its kind, or a new one."""
        which = rng.random()
        if which < NEW_PHRASE:
            return self._new_phrase(kind, self._new.draw(rng))
        return rng.choice(self._phrases[kind]) if which < NEW_PHRASE + OTHER_PHRASE else own

    def _said(self, rng: random.Random, word: _Word) -> str:
        if word.kind:
            return self.phrase(rng, word.kind, word.text)
        if rng.random() < RARE and len(word.text) > 3 and word.text.isalpha():
            return self._coined(self._rare.draw(rng))
        return word.text

    def _coined(self, rank: int) -> str:
        """The word of that rank: a slip of a known word, or a made name; each rank its own."""
        far, base = divmod(rank, len(self._bases))
        word = self._bases[base]
        while far:
            far, place = divmod(far - 1, len(word) + 1)
            letters = _OTHERS if place and word[place - 1] in _VOWELS else _VOWELS
            word = word[:place] + letters[base % len(letters)] + word[place:]
            base += place
        return word[::-1].capitalize() if rank % 3 == 2 else word[:2] + word[1:]

    def _new_phrase(self, kind: str, rank: int) -> str:
        """A phrase of that rank: a known one said more closely by another word or two."""
        known = self._phrases[kind]
        # Ranks near each other are of different phrases, so that what is frequent is diverse.
        more, which = divmod(rank, len(known))
        phrase = known[which * 7_919 % len(known)]
        while True:
            more, base = divmod(more, len(self._bases))
            phrase = f"{self._bases[base]} {phrase}"
            if not more:
                return phrase
            more -= 1

    def _title(self, rng: random.Random) -> str:
        return rng.choice(self._titles)


def _sentences(text: str, claims: Sequence[dict[str, Any]]) -> Iterator[tuple[_Word, ...]]:
    """The sentences of a post as words, each marked claim as one."""
    marks = {row["start"]: row for row in claims}
    ends = [*sorted(m.end() for m in _SENTENCE.finditer(text)), len(text)]
    for start, end in pairwise([0, *ends]):
        words, place = list[_Word](), start
        for at in [*sorted(s for s in marks if start <= s < end), end]:
            words += [_Word(text=word) for word in text[place:at].split()]
            place = at
            if at in marks and at < end:
                said = marks[at]["target"]
                words.append(_Word(text=" ".join(said.split()), kind=marks[at]["kind"]))
                place = at + len(said)
        if words:
            yield tuple(words)


def _onward(
    sentences: Iterable[tuple[_Word, ...]],
) -> dict[tuple[str, str], list[tuple[tuple[_Word, ...], int]]]:
    """Where a chain may go on after two words: every sentence and place with the same two."""
    found: dict[tuple[str, str], list[tuple[tuple[_Word, ...], int]]] = {}
    for sentence in sentences:
        for place in range(1, len(sentence)):
            pair = sentence[place - 1].text, sentence[place].text
            found.setdefault(pair, []).append((sentence, place))
    return found


def threads(posts: Iterable[Post]) -> list[Thread]:
    """The posts as documents, without the times they were written at."""
    found: dict[int, list[Post]] = {}
    for post in posts:
        found.setdefault(post.thread, []).append(post)
    return [_thread(f"https://forum.example/t/{n}", some) for n, some in found.items()]


def _thread(url: str, some: Sequence[Post]) -> Thread:
    read = datetime.fromtimestamp(START, UTC)
    source = Source(url=url, site="forum.example", fetched=read, engine="made")
    posts = tuple(
        documents.Post(id=str(p.number), number=p.number, text=p.text, author=p.author)
        for p in some
    )
    return Thread(source=source, title=some[0].title, posts=posts)


def write_dump(path: Path, posts: Iterable[Post]) -> int:
    """Bytes before packing of a Reddit-shaped `.zst`, written post by post."""
    size = 0
    with zstd.open(path, "wb") as packed, io.TextIOWrapper(packed, "utf-8") as lines:
        for post in posts:
            size += lines.write(json.dumps(_reddit(post), ensure_ascii=False) + "\n")
    return size


def write_lines(path: Path, posts: Iterable[Post]) -> int:
    """Characters of the same as lines of our own form, a thread's posts each in a line of its own.

    What is in several lines of one thread is put together where it is stored.
    """
    with path.open("w", encoding="utf-8") as lines:
        return sum(
            lines.write(json.dumps(_line(post), ensure_ascii=False) + "\n") for post in posts
        )


def _line(post: Post) -> dict[str, Any]:
    written = datetime.fromtimestamp(START + 60 * post.minute, UTC).isoformat()
    said = {"id": str(post.number), "number": post.number, "author": post.author}
    return {
        "kind": "thread",
        "url": f"https://forum.example/t/{post.thread}",
        "title": post.title,
        "posts": [said | {"written": written, "text": post.text}],
    }


def _reddit(post: Post) -> dict[str, Any]:
    """A submission, or a comment on one."""
    thread, row = _base36(post.thread), {
        "subreddit": "invented",
        "author": post.author,
        "created_utc": START + 60 * post.minute,
        "score": post.number % 7,
    }  # fmt: skip
    if post.number == 1:
        return row | {"id": thread, "title": post.title, "selftext": post.text}
    own = _base36(post.thread * 1_000 + post.number)
    link = f"t3_{thread}"
    return row | {"id": own, "link_id": link, "parent_id": link, "body": post.text}


def _base36(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = digits[digit] + text
    return text or "0"


def articles(forum: Forum, count: int) -> Iterator[dict[str, Any]]:
    """Articles as lines of our own form."""
    rng = random.Random(f"{forum.seed} articles")
    for number in range(count):
        yield {
            "kind": "article",
            "url": f"https://clinic{number % 40}.example/{number}",
            "title": forum.sentence(rng)[:80],
            "text": forum.text(rng, 600),
            "author": "A. Writer",
        }


def studies(forum: Forum, count: int) -> Iterator[str]:
    """Studies as records of RIS."""
    rng = random.Random(f"{forum.seed} studies")
    for number in range(count):
        remedy = forum.phrase(rng, "remedy", "rest")
        illness = forum.phrase(rng, "diagnosis", "tendinopathy")
        yield (
            f"TY  - JOUR\nTI  - Effect of {remedy} in {illness}: a randomised trial\n"
            f"AU  - Writer, A.\nJO  - Invented Journal\nPY  - {1990 + number % 35}\n"
            f"DO  - 10.5555/invented.{forum.seed}.{number}\n"
            f"AB  - We randomised {20 + number % 300} people with {illness} to {remedy} or to "
            f"usual care. Pain was lower with {remedy} after 12 weeks. {remedy.capitalize()} "
            f"reduced pain in {illness}.\nER  - \n\n"
        )


def words_of(texts: Iterable[str]) -> Iterator[str]:
    """The words in small letters, without figures."""
    for text in texts:
        yield from _WORD.findall(text.lower())


def curve(items: Iterable[str], first: int = 1_000, step: float = 1.25) -> list[tuple[int, int]]:
    """How many items there were, and how many different ones, at ever greater distances."""
    seen, found, wanted, count = set[int](), list[tuple[int, int]](), float(first), 0
    for count, item in enumerate(items, 1):
        seen.add(hash(item))
        if count >= wanted:
            found.append((count, len(seen)))
            wanted *= step
    return [*found, (count, len(seen))]


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """Slope of the line through the logarithms: of y as a power of x."""
    xs, ys = ([math.log(max(value, 1e-9)) for value in axis] for axis in zip(*points, strict=True))
    middle_x, middle_y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - middle_x) ** 2 for x in xs)
    return sum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys, strict=True)) / spread
