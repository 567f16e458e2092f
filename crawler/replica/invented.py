"""Forums of any size, made from a seed: the same seed and numbers give the same forum.

Messages are made when they are asked for, so a forum of 100,000 posts costs what its topics cost.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from random import Random
from typing import Any, overload

from crawler.replica.content import Excerpt, Forum, Message, Setup, Topic
from crawler.replica.discourse_json import slug

__all__ = ["invented"]

WORDS: dict[str, Any] = tomllib.loads(
    Path(__file__).with_name("invented.toml").read_text(encoding="utf-8")
)
BEGIN = datetime(2019, 1, 7, 6, 30, tzinfo=UTC)
STEP = timedelta(minutes=23)
"""From one post of the forum to the next."""
PEOPLE = 400
MASK = 2**64 - 1
LONGEST = 80
"""How many times the shortest the longest topics are, about."""


def invented(
    topics: int,
    posts: int,
    *,
    seed: int = 0,
    software: str = "discourse",
    setup: Setup | None = None,
) -> Forum:
    """A forum with so many topics and posts: most topics short, a few very long.

    Each topic has a post at least; ids and times run through the whole forum in order.
    """
    if not 0 < topics <= posts:
        raise ValueError(f"{posts} posts do not fill {topics} topics")
    dice = _dice(f"{seed}:sizes")
    made = []
    first = 1
    for number, size in enumerate(_sizes(topics, posts, dice), 1):
        made.append(_topic(seed, number, first, size))
        first += size
    return Forum(
        slug=f"invented-{seed}",
        name="Invented boards",
        software=software,
        description="Made by a seed.",
        topics=tuple(made),
        setup=setup or Setup(),
        names=tuple(_names()),
    )


def _sizes(topics: int, posts: int, dice: Random) -> list[int]:
    """How many posts each topic has: long tailed, in sum exactly `posts`."""
    weights = [min(dice.paretovariate(1.3), LONGEST) for _ in range(topics)]
    scale = (posts - topics) / sum(weights)
    sizes = [1 + int(weight * scale) for weight in weights]
    for _ in range(posts - sum(sizes)):
        sizes[dice.randrange(topics)] += 1
    return sizes


def _topic(seed: int, number: int, first: int, size: int) -> Topic:
    dice = _dice(f"{seed}:topic:{number}")
    part, other = dice.sample(WORDS["parts"], 2)
    title = dice.choice(WORDS["titles"]).format(
        part=part, part2=other, event=dice.choice(WORDS["events"])
    )
    title = f"{title[0].upper()}{title[1:]} ({number})"
    return Topic(
        id=100 + number,
        slug=slug(title),
        title=title,
        category=dice.choice(WORDS["categories"]),
        condition=part,
        messages=Drawn(seed=seed, first=first, size=size, part=part),
        tags=tuple(dice.sample(WORDS["tags"], dice.randrange(3))),
    )


@dataclass(frozen=True, kw_only=True)
class Drawn(Sequence[Message]):
    """The messages of a topic, each made when it is asked for."""

    seed: int
    first: int
    """Id of the first."""
    size: int
    part: str

    @cached_property
    def ids(self) -> range:
        """Of the messages in order."""
        return range(self.first, self.first + self.size)

    def __len__(self) -> int:
        return self.size

    @overload
    def __getitem__(self, place: int) -> Message: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Message, ...]: ...

    def __getitem__(self, place: int | slice) -> Message | tuple[Message, ...]:
        if isinstance(place, slice):
            return tuple(self[each] for each in range(*place.indices(self.size)))
        return _draw(self.seed, self.first, range(self.size)[place], self.part)

    def __iter__(self) -> Iterator[Message]:
        return (self[place] for place in range(self.size))


@lru_cache(maxsize=4096)
def _draw(seed: int, first: int, place: int, part: str) -> Message:
    number = first + place
    draw = _draws(seed, number)
    written = BEGIN + number * STEP
    answered = next(draw) % place + 1 if next(draw) % 10 < 3 and place else None
    quotes: tuple[Excerpt, ...] = ()
    if next(draw) % 10 < 3 and answered:
        text = _text(seed, first + answered - 1, part)
        quotes = (Excerpt(n=answered, text=text.splitlines()[0]),)
    return Message(
        id=number,
        n=place + 1,
        author=_name(next(draw) % PEOPLE),
        written=written,
        text=_text(seed, number, part),
        edited=written + timedelta(hours=2) if next(draw) % 20 == 0 else None,
        likes=next(draw) % 9 if next(draw) % 5 == 0 else 0,
        reply_to=answered,
        quotes=quotes,
    )


def _text(seed: int, number: int, part: str) -> str:
    """A few sentences; the last tells one post from every other."""
    draw = _draws(~seed, number)
    said = [
        WORDS["sentences"][next(draw) % len(WORDS["sentences"])].format(
            n=next(draw) % 58 + 2,
            part=part,
            part2=WORDS["parts"][next(draw) % len(WORDS["parts"])],
            event=WORDS["events"][next(draw) % len(WORDS["events"])],
        )
        for _ in range(next(draw) % 4 + 2)
    ]
    return f"{said[0]}\n\n{' '.join(said[1:])} My diary says entry {number}."


def _draws(seed: int, number: int) -> Iterator[int]:
    """Numbers without end by splitmix64: much faster to begin than `Random`."""
    state = (seed * 0x9E3779B97F4A7C15 ^ number * 0xD1B54A32D192ED03) & MASK
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        mixed = ((state ^ state >> 30) * 0xBF58476D1CE4E5B9) & MASK
        mixed = ((mixed ^ mixed >> 27) * 0x94D049BB133111EB) & MASK
        yield mixed ^ mixed >> 31


def _dice(key: str | int) -> Random:
    return Random(key)  # noqa: S311 (the same forum for the same seed: chance, not a secret)


def _names() -> list[str]:
    return [_name(number) for number in range(PEOPLE)]


def _name(number: int) -> str:
    people, animals = WORDS["people"], WORDS["animals"]
    return f"{people[number % 20]}_{animals[number // 20 % 20]}{number}"
