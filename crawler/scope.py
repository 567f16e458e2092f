"""What of a site is collected: by address, words, date and topic. Pure decisions, no fetching."""

from __future__ import annotations

import hashlib
import math
import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, cached_property
from importlib import resources

from crawler.documents import Article, Document, Post, Study, Thread
from crawler.errors import CrawlerError
from crawler.page import Link

__all__ = ["BadScope", "Scope", "is_on_topic"]


class BadScope(CrawlerError):
    """Wishes that nothing can fulfil."""


OPENING = 3
"""Posts by which the topic of a thread is judged: the question and the first answers."""

ENOUGH = 4000
"""Characters of a document by which its topic is judged."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What to collect; without a wish everything is.

    A thread is judged as a whole, by the piece that tells: its topic and words by the opening,
    its age by the end. A piece that does not tell is kept.
    """

    inside: tuple[str, ...] = ()
    """Beginnings of addresses, of paths (`/injuries/`), or patterns with `*`: threads and articles
    elsewhere are left alone. Lists are walked wherever they lie, since they lead there."""
    outside: tuple[str, ...] = ()
    """The same for what is not wanted; lists too."""
    words: tuple[str, ...] = ()
    """A thread or article needs one of them, in its title or opening; `tend*` finds tendons."""
    since: date | None = None
    """Only threads with a post of that day or later."""
    until: date | None = None
    """Only threads opened on that day or before."""
    topic: bool = False
    """Only threads and articles on injuries, bodies, pain and what people do about them."""

    def __post_init__(self) -> None:
        """Raises BadScope where no document could be of such days."""
        if self.since and self.until and self.since > self.until:
            raise BadScope(f"since ({self.since}) is after until ({self.until}); turn them round")

    @property
    def mark(self) -> str:
        """Sixteen hex digits, equal for equal scopes and in every process."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]

    def wants(self, link: Link) -> bool:
        """Whether an address is worth asking for, by all that the page before told of it."""
        if _matches(link.thread or link.url, self.outside) or _matches(link.url, self.outside):
            return False
        if link.role not in ("thread", "article"):
            return True
        if self.inside and not _matches(link.url, self.inside):
            return False
        if self.since and link.active and _day(link.active) < self.since:
            return False
        return not (self.words and link.title) or self._says(link.title)

    def keeps(self, document: Document) -> bool:
        """Whether a document, or the thread it is a piece of, is to be stored."""
        return self._in_time(document) and self._in_words(document) and self._on_topic(document)

    def _in_time(self, document: Document) -> bool:
        first, last = _span(document)
        too_late = self.until is not None and first is not None and first > self.until
        too_old = self.since is not None and last is not None and last < self.since
        return not (too_late or too_old)

    def _in_words(self, document: Document) -> bool:
        text = _opening(document) if self.words else None
        return text is None or self._says(text)

    def _on_topic(self, document: Document) -> bool:
        text = _opening(document) if self.topic else None
        return text is None or is_on_topic(document.title, text[:ENOUGH])

    def _says(self, text: str) -> bool:
        return self._pattern.search(_folded(text)) is not None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(map(_word_pattern, self.words)))


def _matches(url: str, patterns: Iterable[str]) -> bool:
    """Whether the address begins with one of them; `http` or `https`, `www.` or not, is one."""
    address = _bare(url)
    path = address[address.find("/") :] if "/" in address else "/"
    return any(
        _address_pattern(pattern).match(path if pattern[:1] == "/" else address)
        for pattern in patterns
    )


def _bare(url: str) -> str:
    return re.sub(r"\A(?:https?://)?(?:www\.)?", "", url, flags=re.IGNORECASE)


@cache
def _address_pattern(pattern: str) -> re.Pattern[str]:
    """A beginning ends where a part of the address does: `/knee` does not begin `/kneeling`."""
    parts = map(re.escape, _bare(pattern).split("*"))
    if "*" in pattern:
        return re.compile(".*".join(parts) + r"\Z", re.DOTALL)
    ends = "" if pattern[-1:] in "/=?&#-_" else r"(?![\w-])"
    return re.compile("".join(parts) + ends)


def _word_pattern(word: str) -> str:
    """The word or phrase as such, its plural, or with `*` all that begins so."""
    body = r"\s+".join(map(re.escape, _folded(word).rstrip("*").split()))
    return rf"(?<!\w){body}" + ("" if word.endswith("*") else r"(?:e?s)?(?!\w)")


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).replace("’", "'").casefold()


def _day(moment: datetime) -> date:
    return (moment.astimezone(UTC) if moment.tzinfo else moment).date()


def _span(document: Document) -> tuple[date | None, date | None]:
    """Days of the opening and of the end of what the document belongs to, where it tells them."""
    if isinstance(document, Thread):
        return _thread_span(document)
    if isinstance(document, Article):
        dates = [_day(moment) for moment in (document.published, document.reviewed) if moment]
        return (min(dates), max(dates)) if dates else (None, None)
    return (
        (date(document.year, 1, 1), date(document.year, 12, 31)) if document.year else (None, None)
    )


def _thread_span(thread: Thread) -> tuple[date | None, date | None]:
    opening = _first(thread)
    has_end = thread.posts and (
        thread.expected is None or max(post.number for post in thread.posts) >= thread.expected
    )
    days = [_day(post.written) for post in thread.posts if post.written]
    first = _day(opening.written) if opening and opening.written else None
    return first, max(days, default=None) if has_end else None


def _first(thread: Thread) -> Post | None:
    return next((post for post in thread.posts if post.number <= 1), None)


def _opening(document: Document) -> str | None:
    """Title and first words; None of a piece of a thread without its opening."""
    if isinstance(document, Thread):
        if _first(document) is None:
            return None
        posts = sorted(document.posts, key=lambda post: post.number)[:OPENING]
        return "\n".join((document.title, *(post.text for post in posts)))
    text = document.abstract if isinstance(document, Study) else document.text
    return f"{document.title}\n{text}"


# The topic


@dataclass(frozen=True, kw_only=True)
class _Group:
    """Words of one sort: what each weighs, and what they may weigh together."""

    weight: float
    most: float


@dataclass(frozen=True, kw_only=True)
class _Lexicon:
    """Words of the topic: whole ones, phrases and beginnings, each with its group."""

    least: float
    per_word: float
    whole: Mapping[str, _Group]
    begun: Mapping[str, _Group]
    phrases: re.Pattern[str]
    idioms: re.Pattern[str]


def is_on_topic(title: str, text: str) -> bool:
    """Whether it is talk of injuries, bodies, pain or what people do about them.

    Each word counts once, in the title again; a long text needs more of them.
    """
    lexicon = _lexicon()
    found = [*_found(text, lexicon), *_found(title, lexicon)]
    counted = Counter(id(group) for group in found)
    by_id = {id(group): group for group in found}
    score = sum(min(by_id[key].weight * n, by_id[key].most) for key, n in counted.items())
    return score >= lexicon.least + lexicon.per_word * len(_words(text))


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+(?:['-][^\W\d_]+)*|l[45]\b|s1\b", _folded(text))


def _found(text: str, lexicon: _Lexicon) -> list[_Group]:
    """The groups of the distinct words and phrases of the topic, one for each."""
    text = lexicon.idioms.sub(" ", " ".join(_folded(text).split()))
    found = {phrase: lexicon.whole[phrase] for phrase in lexicon.phrases.findall(text)}
    for word in set(_words(text)):
        ends = range(len(word), 2, -1)
        begun = next((word[:end] for end in ends if word[:end] in lexicon.begun), "")
        if word in lexicon.whole:
            found[word] = lexicon.whole[word]
        elif begun:
            found[begun] = lexicon.begun[begun]
    return list(found.values())


@cache
def _lexicon() -> _Lexicon:
    source = resources.files("crawler").joinpath("data/topic.toml").read_text(encoding="utf-8")
    data = tomllib.loads(source)
    groups: dict[str, _Group] = {}
    for entry in data["group"]:
        group = _Group(weight=entry["weight"], most=entry.get("most", math.inf))
        groups |= dict.fromkeys(entry["words"], group)
    whole = {word: group for word, group in groups.items() if not word.endswith("*")}
    return _Lexicon(
        least=data["least"],
        per_word=data["per_word"],
        whole=whole,
        begun={word[:-1]: group for word, group in groups.items() if word.endswith("*")},
        phrases=_any_of(word for word in whole if " " in word),
        idioms=_any_of(data["idioms"]),
    )


def _any_of(phrases: Iterable[str]) -> re.Pattern[str]:
    """Finds any of the phrases, the longest first."""
    longest = sorted(phrases, key=len, reverse=True)
    return re.compile(r"\b(?:" + "|".join(map(re.escape, longest)) + r")\b")
