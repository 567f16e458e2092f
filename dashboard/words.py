"""What the pages call things, and how they write numbers. Words only: nothing is drawn here."""

from __future__ import annotations

import re
import tomllib
from datetime import datetime
from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

from miner.conditions import name_of
from miner.counts import FEW, wilson
from miner.model import Grade

__all__ = [
    "condition",
    "covered",
    "day",
    "doi_link",
    "level",
    "limits",
    "link",
    "many",
    "member",
    "moment",
    "plain",
    "reason",
    "share",
    "span",
    "status_help",
    "word",
]

RELATED = "related_condition_only"
"""Reason of a grade: there is evidence, but on other conditions alone."""

_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_REPLACED = re.compile(
    r"(?<=:)(?=//)|(?i:(?<=w)(?=ww\.))|(?=@)|(?<=:)(?=[\w+-])|(?<=[-<>~])(?=[-=>])"
)
"""Where Streamlit's reader makes links, icons and arrows out of text, escaped or not."""
_BREAKS = re.compile(r"[\s\u0085\u2028\u2029]+")
_UNSEEN = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_JOINER = "\u2060"


@cache
def _words() -> dict[str, dict[str, str]]:
    return tomllib.loads(files("dashboard").joinpath("words.toml").read_text("utf-8"))


def word(group: str, key: str | None) -> str:
    """What a value of the model is called; an unlisted one is shown as it is spelled."""
    return _words()[group].get(key or "", (key or "").replace("_", " "))


def plain(text: str) -> str:
    """One line that Markdown shows character for character: no markup, link, icon or picture.

    For titles, labels and badges, which Streamlit always reads as Markdown. Addresses, icon names
    and arrows get an invisible joiner, because its reader replaces them even where escaped.
    """
    line = _BREAKS.sub(" ", _UNSEEN.sub("", text)).strip()
    return _PUNCTUATION.sub(r"\\\g<0>", _REPLACED.sub(_JOINER, line))


def level(grade: Grade | None) -> str:
    """`Level 2`, or in words why there is none; `Not searched` where nothing was graded."""
    if grade is not None and grade.level is not None:
        return f"Level {grade.level}"
    return word("levels", _ground(grade))


def status_help(grade: Grade | None) -> str:
    """What the status of a grade means, in a sentence."""
    return word("status_help", _ground(grade))


def _ground(grade: Grade | None) -> str:
    """Why there is what there is: the status, and apart from it evidence on other conditions."""
    if grade is None:
        return "not_searched"
    return RELATED if RELATED in grade.reasons else grade.status


def reason(code: str) -> str:
    """A reason of a grade as a sentence."""
    if code in _words()["reasons"]:
        return word("reasons", code)
    start, _, rest = code.partition("_")
    if start == "level" and rest.isdigit():
        return f"The best sources are of level {rest}."
    if start == "design":
        return f"Among the best sources: {word('designs', rest)}."
    if start == "step":
        return f"One step down: {word('flags', rest)}."
    return f"{code.replace('_', ' ').capitalize()}."


def condition(name: str) -> str:
    """A condition as people write it."""
    known = name_of(name)
    spelled = name.replace("_", " ") if known == name else known
    return spelled[:1].upper() + spelled[1:]


def share(k: int, n: int) -> str:
    """`7 of 12 (32–81 %)` with the Wilson 95 % interval; below five people `k of n` alone."""
    if n == 0:
        return "not reported"
    if n < FEW:
        return f"{k} of {n}"
    low, high = wilson(k, n)
    return f"{k} of {n} ({span(low, high)})"


def span(low: float, high: float) -> str:
    """An interval of shares in percent."""
    return f"{100 * low:.0f}–{100 * high:.0f} %"


def many(n: int, one: str, more: str | None = None) -> str:
    """`1 author`, `1,204 authors`."""
    return f"{n:,} {one if n == 1 else more or one + 's'}"


def covered(articles: int) -> str:
    """In how many articles."""
    return f"in {many(articles, 'article')}" if articles else "in no article"


def member(author: str | None) -> str:
    """The pseudonym as stored, so that `folkgrade forget` takes it."""
    if author is None or author.startswith("unnamed:"):
        return "unnamed post"
    return f"member {author}"


def limits() -> list[str]:
    """How is counted, what the words mean and what cannot be said, a paragraph each."""
    return list(_words()["limits"].values())


def day(when: datetime | None) -> str:
    """The date, such as `2 May 2019`."""
    return f"{when.day} {when:%b %Y}" if when else "no date"


def moment(when: datetime | None) -> str:
    """Date and time in UTC."""
    return f"{day(when)}, {when:%H:%M} UTC" if when else "never"


def link(url: str | None) -> str | None:
    """The address where it may be opened from a page: http and https alone."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.hostname else None


def doi_link(doi: str | None) -> str | None:
    """Where a DOI resolves; None where it has not the form of one."""
    bare = re.sub(r"^(https?://(dx\.)?doi\.org/|doi:)", "", (doi or "").strip(), flags=re.I)
    return f"https://doi.org/{bare}" if re.fullmatch(r"10\.\d{4,9}/[^\s<>\"]+", bare) else None
