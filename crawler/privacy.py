"""Pseudonyms for people and masks for what names them in a text. Pure.

Health is talked about here, so who is who must not be stored. A word that is also somebody's user
name ("Hip", "Ice") is masked only where it is used as a name: spoken to, mentioned or quoted.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache

from crawler.contacts import NAME, PROFILE, contacts
from crawler.documents import Article, Document, Post, Quoted, Study, Thread
from crawler.people import DOUBTFUL, is_bearable, parts, people, variants
from crawler.secret import load_key
from crawler.wordlists import CAPITAL, alternatives, given, is_ordinary, is_rare, lists, plain

__all__ = ["NAME", "is_telling", "load_key", "mask", "pairs", "plain", "pseudonym", "pseudonymise"]

_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"']+", re.I)
_BEFORE_HOST = re.compile(r"^(?:https?://)?(?:www\.|m\.)?", re.I)
_MENTION = re.compile(r"(?<![\w@./])@[A-Za-z][\w.\-]*\w|(?<![\w/.])/?u/[A-Za-z0-9][\w-]{2,30}")
_PIECE = re.compile(r"[^\W_]+")
_JOINT = re.compile(r"[ _.-]?")
_JOINTS = str.maketrans("", "", " _.-")
_TOKEN = re.compile(r"[^\W](?:[\w.\-]*\w)?")
_CLOSED = re.compile(r"\s*(?:[,!.:;)\n]|$)")
_FAMILY = re.compile(r" (?:(?:van|von|de|der|den|la|le|di) ){0,2}([A-Z][\w\u2019'-]{3,40})(?!\w)")
_QUOTE_CODE = re.compile(r"(\[quote=[\"'\u201c\u00ab]?)[^\]\[\"'\u201d\u00bb,;]{1,60}", re.I)
_SIGNATURE = re.compile(
    r"([\s~\u2013\u2014-]*(?:(?:cheers|regards|best|thanks|love|xx?)[,\s]+)?)"
    r"(?P<name>\w[\w.\-]*(?: \w[\w.\-]*)?)([\s.!x]*)",
    re.I,
)
_PAIR = re.compile(rf"(?<!\w)(?=({CAPITAL}[\w\u2019'-]{{1,30}} {CAPITAL}[\w\u2019'-]{{1,30}}))")
_LONGEST_SIGNATURE = 120
_LONGEST_NAME = 200
_NAMES = re.compile(r"\[name\](?:[ .]\[name\])+")


def pseudonym(name: str, site: str, key: bytes) -> str:
    """`m_` and ten hex digits, the same for one name on one site; no way back without the key."""
    message = f"{site}\0{plain(name)}".encode("utf-8", "surrogatepass")
    return "m_" + hmac.new(key, message, hashlib.sha256).hexdigest()[:10]


@dataclass(frozen=True)
class Known:
    """User names a text may hold, folded by `plain`."""

    here: frozenset[str]
    """Of the thread at hand, ordinary words among them."""
    elsewhere: Set[str] = frozenset()
    """Telling ones of the rest of the site."""
    doubtful: frozenset[str] = frozenset()
    """Parts of names of the thread that are words too: names only where a name stands."""

    @cached_property
    def keys(self) -> Mapping[str, int]:
        """Names of the thread that no words make by chance, joined up, and their pieces."""
        split = (tuple(_PIECE.findall(name)) for name in self.here)
        keys = (("".join(pieces), len(pieces)) for pieces in split if _is_odd(pieces))
        return {key: count for key, count in keys if len(key) >= 6}

    def has_any(self, words: Set[str]) -> bool:
        """Whether one of the words is a name."""
        is_here = not (words.isdisjoint(self.here) and words.isdisjoint(self.doubtful))
        far = self.elsewhere
        return is_here or any(word in far or DOUBTFUL + word in far for word in words)

    def may_be(self, name: str) -> bool:
        """Whether a folded word is part of a name and a word as well."""
        return name in self.doubtful or DOUBTFUL + name in self.elsewhere

    def __contains__(self, name: str) -> bool:
        return name in self.here or name in self.elsewhere


def pseudonymise(document: Document, key: bytes, names: Set[str] = frozenset()) -> Document:
    """The document with pseudonyms for its people and masks in its texts.

    `names` are further telling user names of the site, folded by `plain`. A name that is a
    pseudonym is given one again: pass every document once.
    """
    if isinstance(document, Study):
        return document
    if isinstance(document, Article):
        return replace(document, text=contacts(document.text))
    spoken = _spoken(document)
    known, shown = _known(spoken, names)
    site = document.source.site
    posts = tuple(_hidden(post, known, shown, site, key) for post in document.posts)
    return replace(document, title=_masked(document.title, known, shown), posts=posts)


def _known(spoken: Collection[str], names: Set[str] = frozenset()) -> tuple[Known, tuple[str, ...]]:
    """The names of those who speak with their single parts, and the ways to write them out."""
    split = [parts(name) for name in spoken]
    here = frozenset(map(plain, spoken)).union(*(own for own, _ in split))
    doubtful = frozenset().union(*(words for _, words in split))
    shown = {*spoken, *(variant for name in spoken for variant in variants(name))}
    return Known(here, names, doubtful - here), tuple(sorted(shown))


def _spoken(thread: Thread) -> set[str]:
    """Names of all who write or are quoted."""
    authors = {post.author for post in thread.posts}
    quoted = {quote.author for post in thread.posts for quote in post.quotes}
    return {name for name in authors | quoted if name}


def _hidden(post: Post, known: Known, shown: tuple[str, ...], site: str, key: bytes) -> Post:
    return replace(
        post,
        author=pseudonym(post.author, site, key) if post.author else None,
        text=_masked(post.text, known, shown),
        url=None if post.url and _names_someone(post.url, known) else post.url,
        quotes=tuple(_hidden_quote(quote, known, shown, site, key) for quote in post.quotes),
    )


def _hidden_quote(
    quote: Quoted, known: Known, shown: tuple[str, ...], site: str, key: bytes
) -> Quoted:
    author = pseudonym(quote.author, site, key) if quote.author else None
    return replace(quote, author=author, text=_masked(quote.text, known, shown))


def is_distinctive(name: str) -> bool:
    """Whether a user name can be no ordinary word: a digit, a joint or a capital inside."""
    letters = re.search(r"[^\W\d_]", name) is not None
    joined = letters and re.search(r"[\d_]|\w\.\w", name) is not None
    return len(name) >= 4 and (joined or (name[1:].lower() != name[1:] and not name.isupper()))


def is_telling(name: str) -> bool:
    """Whether a user name betrays its owner on other pages of the site too."""
    return is_distinctive(name) or (len(name) >= 5 and not is_ordinary(plain(name)))


def mask(text: str, names: Collection[str] = ()) -> str:
    """The text without e-mail addresses, phone numbers, profile links and names of people."""
    return _masked(text, *_known(names))


def _masked(text: str, known: Known, shown: tuple[str, ...]) -> str:
    if not text:
        return text
    words = _words_in(text)
    if "://" in text or "www." in text.lower():
        text = _URL.sub(lambda found: _address(found.group(), known), text)
    text = people(contacts(text), words)
    text = _paired(_phrases(text, shown), known) if known.elsewhere else _phrases(text, shown)
    text = _spelt(_mentions(text), known.keys)
    for rule in _rules(words, known):
        text = rule(text, known)
    return _NAMES.sub(NAME, text) if NAME in text else text


def _rules(words: Set[str], known: Known) -> Iterator[Callable[[str, Known], str]]:
    """The rules that may find something, to judge by the words of a text: most find nothing."""
    is_given = not words.isdisjoint(given())
    is_known = known.has_any(words)
    yield _headers
    if not words.isdisjoint(_greeting_words()):
        yield _greeted
    if is_given or is_known:
        yield _spoken_to
        yield _reported
    if is_given:
        yield _introduced
    yield _signed
    if is_known:
        yield _words


def _words_in(text: str) -> Set[str]:
    """The folded words of a text: each whole, and the parts and beginnings of joined ones."""
    chunks = set(text.split())
    return frozenset().union(
        *(_tokens_in(chunk) if len(chunk) <= _LONGEST_NAME else _tokens(chunk) for chunk in chunks)
    )


def _tokens(chunk: str) -> frozenset[str]:
    """The same for a text without a space."""
    found = set(_TOKEN.findall(chunk))
    for joined in [token for token in found if "." in token or "-" in token]:
        ends = [part.end() for part in re.finditer(r"\w+", joined[:_LONGEST_NAME])]
        found.update(joined[:end] for end in ends)
        found.update(re.findall(r"\w+", joined))
    return frozenset(map(_folded, found))


@lru_cache(maxsize=20_000)
def _tokens_in(chunk: str) -> frozenset[str]:
    """As `_tokens`, which a crawl would ask for the same chunks again and again."""
    return _tokens(chunk)


@lru_cache(maxsize=50_000)
def _folded(token: str) -> str:
    """As `plain`, which a crawl would ask for the same words again and again."""
    return plain(token)


@cache
def _greeting_words() -> frozenset[str]:
    """The first word of each greeting."""
    starts = (re.match(r"\w+", word) for word in lists()["greetings"]["before"])
    return frozenset(plain(start.group()) for start in starts if start)


def _address(url: str, known: Known) -> str:
    return PROFILE if _names_someone(url, known) else url


def _names_someone(url: str, known: Known) -> bool:
    """Whether an address leads to a person or holds a user name."""
    hosts, paths = _profiles()
    host = _BEFORE_HOST.sub("", url).partition("/")[0].lower()
    if host in hosts or host.partition(".")[2] in hosts or paths.search(url):
        return True
    parts = {plain(part) for part in re.split(r"[/?&=#]", url)}
    return any(part in known and (is_distinctive(part) or len(part) > 5) for part in parts)


@cache
def _profiles() -> tuple[frozenset[str], re.Pattern[str]]:
    """Hosts all of whose addresses lead to people, and what such addresses look like elsewhere."""
    profiles = lists()["profiles"]
    return frozenset(profiles["hosts"]), re.compile("|".join(profiles["paths"]), re.I)


def _phrases(text: str, shown: tuple[str, ...]) -> str:
    """Masks user names of several words as written: `Flat Pedals` may be one, `flat pedals` not."""
    several = _of_several_words(shown)
    is_there = any(name in text for name in several)
    return _any_of(several).sub(NAME, text) if is_there else text


def pairs(text: str) -> Iterator[str]:
    """Two words with capitals side by side, as full names are, folded."""
    return (plain(found[1]) for found in _PAIR.finditer(text))


def _paired(text: str, known: Known) -> str:
    """Masks full names of people of other threads, where words do not make them by chance."""
    kept, end = [], 0
    for found in _PAIR.finditer(text):
        name = plain(found[1])
        is_free = found.start() >= end and not text[found.end(1) : found.end(1) + 1].isalnum()
        if is_free and name in known.elsewhere and _is_odd(_PIECE.findall(name)):
            kept += [text[end : found.start()], NAME]
            end = found.end(1)
    return "".join([*kept, text[end:]])


@lru_cache(maxsize=64)
def _of_several_words(shown: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in shown if not _TOKEN.fullmatch(name) and len(name) >= 4)


def _mentions(text: str) -> str:
    """Masks who is called by `@name` or `u/name`."""
    return _MENTION.sub(NAME, text) if "@" in text or "u/" in text else text


def _is_odd(pieces: Sequence[str]) -> bool:
    """Whether one piece of a name can be no word: letters with digits, or a word nobody uses."""
    letters = [(piece, re.sub(r"\d", "", piece)) for piece in pieces]
    return any(
        (len(own) >= 3 and own != piece) or (len(own) >= 4 and not is_ordinary(own))
        for piece, own in letters
    )


def _spelt(text: str, keys: Mapping[str, int]) -> str:
    """Masks names joined or spaced otherwise, whatever the case: `evil bob99`, `EvilBob99`."""
    squeezed = _squeezed(text) if keys else ""
    if not any(key in squeezed for key in keys):
        return text
    kept, end = [], 0
    for start, stop in _runs(text, keys):
        kept += [text[end:start], NAME]
        end = stop
    return "".join([*kept, text[end:]])


def _squeezed(text: str) -> str:
    """The letters and digits of a text on end, folded piece by piece."""
    if text.isascii():
        return text.lower().translate(_JOINTS)
    return "".join(map(_folded, _PIECE.findall(text)))


def _runs(text: str, keys: Mapping[str, int]) -> Iterator[tuple[int, int]]:
    """Where names stand, left to right and apart."""
    found = list(_PIECE.finditer(text))
    folded = [_folded(piece.group()) for piece in found]
    most = min(max(2, *keys.values()), 6)
    end = 0
    for at, first in enumerate(found):
        if first.start() >= end and (count := _longest(text, found, folded, at, most, keys)):
            end = found[at + count - 1].end()
            yield first.start(), end


def _longest(
    text: str,
    found: Sequence[re.Match[str]],
    folded: Sequence[str],
    at: int,
    most: int,
    keys: Mapping[str, int],
) -> int:
    """How many pieces from this one on make a name; 0 where they make none."""
    key, longest = "", 0
    for n, piece in enumerate(folded[at : at + most], start=1):
        if n > 1 and not _JOINT.fullmatch(text, found[at + n - 2].end(), found[at + n - 1].start()):
            break
        key += piece
        # A number of its own belongs to a name only where the name is written so: `knee 20`.
        alone = n > 1 and any(map(str.isdigit, folded[at : at + n]))
        if key in keys and (not alone or keys[key] == n):
            longest = n
    return longest


@lru_cache(maxsize=64)
def _any_of(names: tuple[str, ...]) -> re.Pattern[str]:
    ordered = sorted(names, key=lambda name: (-len(name), name))
    return re.compile(rf"(?<!\w)@?(?:{'|'.join(map(re.escape, ordered))})(?!\w)")


def _headers(text: str, known: Known) -> str:
    """Masks the name in `Name wrote:` at the start of a line and in `[quote="Name"]`."""
    if "[" in text:
        text = _QUOTE_CODE.sub(lambda found: found[1] + NAME, text)
    return _header_pattern().sub(lambda found: _header(found, known), text)


@cache
def _header_pattern() -> re.Pattern[str]:
    said = alternatives(lists()["headers"]["said"])
    name = r"[^\s:,.;!?\[\]](?:[^\n:,;!?\[\]]{0,30}[^\s:,;!?\[\]])?"
    start = r"(?P<start>^[>\t \xa0]{0,40}(?:On [^\n]{6,60}?,\s{1,4})?)"
    return re.compile(rf"{start}(?P<name>{name})(?= (?:{said}):)", re.I | re.M)


def _header(found: re.Match[str], known: Known) -> str:
    first = plain(found["name"].split()[0])
    is_nobody = first in lists()["headers"]["nobody"] and plain(found["name"]) not in known
    return found.group() if is_nobody else found["start"] + NAME


def _greeted(text: str, known: Known) -> str:
    """Masks the one spoken to, as in `Hi Mike,` and `Thanks Mike Miller!`."""
    text = _full_names(_greeting_pattern(), text)
    return _greeting_pattern().sub(lambda found: found["word"] + _addressee(found, known), text)


def _full_names(pattern: re.Pattern[str], text: str) -> str:
    """The text less the family names behind the given names that the pattern finds."""
    kept, end = [], 0
    for found in pattern.finditer(text):
        if plain(found["name"]) in given() and found["name"][0].isupper():
            family = _FAMILY.match(text, found.end())
            if family and not is_ordinary(plain(family[1])) and _ends(text, family.end()):
                kept.append(text[end : found.end()])
                end = family.end()
    return "".join([*kept, text[end:]])


def _ends(text: str, place: int) -> bool:
    """Whether a name may end there: a sentence goes on behind it, or stops."""
    return _CLOSED.match(text, place) is not None or text[place + 1 : place + 2].islower()


_OPENING = re.compile(rf"^(?P<start>[ \t>]{{0,10}})(?P<name>{CAPITAL}[\w-]{{2,40}})(?=, )", re.M)


def _spoken_to(text: str, known: Known) -> str:
    """Masks the one with whom a line begins: `Mike, try heat`, but not `Ice, rest and time`."""

    def opened(word: str) -> str:
        return _if_name(word, known) if is_bearable(plain(word)) else word

    return _OPENING.sub(lambda found: found["start"] + opened(found["name"]), text)


@cache
def _greeting_pattern() -> re.Pattern[str]:
    before = alternatives(lists()["greetings"]["before"])
    return re.compile(
        rf"(?P<word>(?<!\w)(?i:{before})[ ,]{{1,2}})(?P<name>[^\W\d_](?:[\w.\-]*\w)?)"
    )


def _addressee(found: re.Match[str], known: Known) -> str:
    """The mask, or the word itself where it may be nobody's name."""
    name, word = plain(found["name"]), plain(found["word"].strip(" ,"))
    if name in lists()["greetings"]["anybody"]:
        return found["name"]
    is_closed = _CLOSED.match(found.string, found.end()) is not None
    is_capital = found["name"][0].isupper()
    if name in known or name in given():
        return NAME if is_closed or is_capital else found["name"]
    if known.may_be(name):
        return NAME if is_closed and is_capital else found["name"]
    is_hello = word in lists()["greetings"]["hello"]
    return NAME if is_hello and is_closed and is_capital else found["name"]


def _reported(text: str, known: Known) -> str:
    """Masks names in the place of a person: `as Ice said`, `according to Ice`, `Ice wrote`."""
    before, after = _report_patterns()
    text = before.sub(lambda found: found[1] + _if_name(found["name"], known), text)
    return after.sub(lambda found: _if_reported(found, known), text)


def _if_reported(found: re.Match[str], known: Known) -> str:
    is_mention = found.string[max(0, found.start() - 1) : found.start()] == "@"
    is_person = found["does"] is not None and not is_mention
    return _if_name(found["name"], known) if is_person else found["name"]


@cache
def _report_patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    does = alternatives(lists()["headers"]["does"])
    before = alternatives(lists()["headers"]["before"])
    one = r"(?P<name>[^\W_](?:[\w.\-]*\w)?)"
    end = rf"(?=\s*(?:$|[.,!?:;)\n]|'s\b| (?:{does})\b))"
    return (
        re.compile(rf"((?<!\w)(?i:{before}) ){one}{end}", re.M),
        # Every token is taken, a verb after it or not: else each of its letters is tried.
        re.compile(rf"(?P<name>{_TOKEN.pattern})(?:(?= (?:{does})\b)(?P<does>))?"),
    )


def _if_name(word: str, known: Known) -> str:
    """The mask for a user name, or for a given name with its capital."""
    name = plain(word)
    is_shown = known.may_be(name) or name in given()
    is_name = (name in known and (name != word or is_distinctive(name))) or (
        is_shown and word[0].isupper()
    )
    return NAME if is_name else word


def _introduced(text: str, known: Known) -> str:
    """Masks names after `my name is`, `my wife` and the like."""
    text = _full_names(_introduction_pattern(), text)
    return _introduction_pattern().sub(lambda m: m[1] + _if_given(m["name"]), text)


@cache
def _introduction_pattern() -> re.Pattern[str]:
    before = alternatives(lists()["headers"]["introduced"])
    return re.compile(rf"((?<!\w)(?i:{before}),? )(?P<name>[A-Z][\w\-]+)")


def _if_given(word: str) -> str:
    return NAME if plain(word) in given() else word


def _signed(text: str, known: Known) -> str:
    """Masks a name that stands alone on the last line, as one signs a letter."""
    body, mark, last = text.rstrip().rpartition("\n")
    found = _SIGNATURE.fullmatch(last) if mark and len(last) <= _LONGEST_SIGNATURE else None
    if not found:
        return text
    name = plain(found["name"])
    is_doubtful = known.may_be(name) and found["name"][0].isupper()
    is_name = is_doubtful or name in known or name.split()[0] in given()
    return f"{body}{mark}{found[1]}{NAME}{found[3]}" if is_name else text


def _words(text: str, known: Known) -> str:
    """Masks known names of one word where they can be nothing else."""
    return _TOKEN.sub(lambda found: _word(found.group(), known), text)


def _word(word: str, known: Known) -> str:
    name = plain(word)
    if name not in known:
        return word
    is_given = name in given() and word[0].isupper()
    is_name = name in known.here or word[0].isupper() or is_rare(name)
    is_odd = len(name) >= 4 and is_name and not is_ordinary(name)
    return NAME if is_given or is_odd or is_distinctive(name) or is_distinctive(word) else word
