"""Dates as pages print them, into aware UTC datetimes. The clock is an argument, never read."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import cache, lru_cache
from importlib.resources import files

__all__ = ["Calendar", "calendar_of", "moment", "offset_of", "spoken"]

_NEAR = timedelta(days=8)
"""Words alone name a day of the last week (`Monday`), not `January`."""
_DAY_FIRST = {"gb", "au", "nz", "ie", "za", "in"}
_ENOUGH_TEXT = 100_000
"""Characters of a page that are looked at for its language."""
_FEW_WORDS = 5
"""Common words below which a text has no language."""
_MONTH_FIRST = {"en", "en-us"}
"""Languages whose readers take the first of two numbers for the month."""
_NOISE = re.compile(r"[\u00a0\u202f\u200e\s]+|(?<=\d)(?:st|nd|rd|th)\b|\b(?:kl|στις)\b\.?", re.I)
_AFTERNOON = re.compile(r"(?<![\d:])((?:1[3-9]|2[0-3]):\d\d(?::\d\d)?)\s*[ap]\.?m\b\.?", re.I)
"""`13:28 pm`, as skins that mix two clocks print it."""
_NUMBERS = re.compile(r"(?<![\d./:-])(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?![\d/-]|\.\d)")
_MONTHS = {
    name: place
    for place, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_MONTH_NAME = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_SIMPLE = re.compile(
    r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,? )?"
    r"(?:(?P<one>\d{1,2})(?P<sep>[./-])(?P<two>\d{1,2})(?P=sep)"
    rf"|(?P<before>\d{{1,2}})[ -](?P<named>{_MONTH_NAME}),?[ -]"
    rf"|(?P<month>{_MONTH_NAME}) (?P<after>\d{{1,2}}),? )"
    r"(?P<year>\d{4})"
    r"(?:,? ?(?:-|at|um|om|o)?,? ?(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d))?"
    r"(?: ?(?P<half>[ap])\.?m\.?)?)?(?: uhr)?",
    re.I,
)
_CLOCK = r"(?:[\s,|·@-]*(?:[^\W\d]{1,5}\.?\s+){0,2}\d{1,2}[:h.]\d\d(?::\d\d)?(?:\s*[ap]\.?m\b)?)?"
_CORE = re.compile(
    r"(?:\b\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|(?<![\d:])\d{1,2}[./-]\d{1,2}[./-]\d{2,4}"
    r"|(?<![\d:#])\d{1,2}\.?(?:\s+de)?[\s-]+[^\W\d]{3,12}\.?,?(?:\s+de)?[\s-]+(?:\d{4}|'\d\d)"
    r"|\b[^\W\d]{3,12}\.?\s+\d{1,2}\.?,?\s+(?:\d{4}|'\d\d))" + _CLOCK,
    re.I,
)
"""A day with its year, and the time behind it, amid other words."""


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """How one page prints its dates."""

    now: datetime
    """When the page was fetched: the anchor of `Yesterday`."""
    language: str = ""
    offset: timedelta = timedelta(0)
    day_first: bool | None = None
    """Whether 03/04 is in April; None leaves it to the language."""

    def moment(self, text: str | None) -> datetime | None:
        """The moment a text of the page names, in UTC; None where it names none."""
        return moment(
            text,
            now=self.now,
            language=self.language,
            offset=self.offset,
            day_first=self.day_first,
        )


def calendar_of(text: str, *, now: datetime, language: str = "", zone: str = "") -> Calendar:
    """The calendar of a page by its visible text; `zone` is what it says of its time zone."""
    language = language or spoken(text)
    return Calendar(
        now=now,
        language=language,
        offset=offset_of(zone),
        day_first=_day_first(text, now, language),
    )


def spoken(text: str) -> str:
    """The language of a text by its commonest words; empty where none stands out."""
    said = Counter(re.findall(r"[^\W\d_]+", text[:_ENOUGH_TEXT].lower()))
    counts = {name: sum(said[word] for word in words) for name, words in _common_words().items()}
    best = max(counts, key=lambda name: counts[name], default="")
    return best if best and counts[best] >= _FEW_WORDS else ""


@cache
def _common_words() -> dict[str, list[str]]:
    """Common words of a language by its code."""
    text = files("crawler.data").joinpath("languages.toml").read_text(encoding="utf-8")
    return {name: said.split() for name, said in tomllib.loads(text)["words"].items()}


def _day_first(text: str, now: datetime, language: str) -> bool | None:
    """Which of two numbers is the day: a number above 12 tells, or a day that has not been yet."""
    votes: Counter[bool] = Counter()
    for one, _, two, year in _NUMBERS.findall(text):
        fits = {order: _has_been(day, month, year, now) for order, day, month in
                ((True, one, two), (False, two, one))}  # fmt: skip
        if fits[True] != fits[False]:
            votes[fits[True]] += 1
    if votes[True] != votes[False]:
        return votes[True] > votes[False]
    return None if language in _MONTH_FIRST or not language else True


def _has_been(day: str, month: str, year: str, now: datetime) -> bool:
    """Whether there is such a day and it is not to come."""
    try:
        when = datetime(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day))
    except ValueError:
        return False
    return when <= now.replace(tzinfo=None) + timedelta(days=1)


def moment(
    text: str | None,
    *,
    now: datetime,
    language: str = "",
    offset: timedelta = timedelta(0),
    day_first: bool | None = None,
) -> datetime | None:
    """The moment a text names, in UTC; None where it names none.

    ISO first, then by the language of the page (`de`, `en-gb`). `now` anchors `Yesterday`; `offset`
    is the page's time zone, for texts that state none; `day_first` overrules the language.
    """
    if not isinstance(text, str) or not any(c.isalnum() for c in text):
        return None
    if when := _iso(text.strip(), offset):
        return when
    calendar = Calendar(now=now, language=language, offset=offset, day_first=day_first)
    plain = _AFTERNOON.sub(r"\1", _NOISE.sub(" ", text).strip())
    return _plain(plain, calendar) or _spoken(plain, calendar) or _amid(plain, calendar)


def offset_of(text: str) -> timedelta:
    """The zone of `All times are UTC+02:00`; zero where it states none."""
    found = re.search(
        r"(?:UTC|GMT|WEZ|UCT)\s*(?:/\s*GMT\s*)?([+-\u2212])\s*(\d{1,2})(?::?(\d{2}))?", text
    )
    if not found:
        return timedelta(0)
    size = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return size if found[1] == "+" else -size


def _iso(text: str, offset: timedelta) -> datetime | None:
    if text.isdecimal() and 9 <= len(text) <= 10:
        return datetime.fromtimestamp(int(text), UTC)
    try:
        return _in_utc(datetime.fromisoformat(text), offset)
    except (ValueError, OverflowError):
        return None


def _plain(text: str, calendar: Calendar) -> datetime | None:
    """The moment of a date in numbers or English, which needs no dictionary and is the most."""
    found = _SIMPLE.fullmatch(text)
    if found is None:
        return None
    if found["one"]:
        first = calendar.day_first
        if first is None and calendar.language not in (*_MONTH_FIRST, ""):
            return None
        day, month = found["one"], int(found["two"])
        day, month = (day, month) if first else (found["two"], int(found["one"]))
    elif calendar.language[:2] in ("en", ""):
        day = found["before"] or found["after"]
        month = _MONTHS[(found["named"] or found["month"])[:3].lower()]
    else:
        return None
    hour = int(found["hour"] or 0)
    if half := found["half"]:
        hour = hour % 12 + (12 if half[0] in "pP" else 0)
    try:
        year, minute, second = int(found["year"]), int(found["minute"] or 0), found["second"]
        when = datetime(year, month, int(day), hour, minute, int(second or 0))
    except ValueError:
        return None
    return _in_utc(when, calendar.offset)


def _amid(text: str, calendar: Calendar) -> datetime | None:
    """The first full date amid other words."""
    found = _CORE.search(text[:300])
    if found is None or found.group() == text:
        return None
    return _spoken(found.group(), calendar)


def _spoken(text: str, calendar: Calendar) -> datetime | None:
    now, offset = calendar.now, calendar.offset
    anchor = None if re.search(r"\b(19|20)\d\d\b|\d[./-]\d+[./-]\d", text) else now
    try:
        found = _parsed(text[:80], anchor, calendar.language, offset, calendar.day_first)
    except Exception:  # dateparser raises what its regular expressions raise
        return None
    when = found and _in_utc(found, offset)
    is_vague = not any(c.isdigit() for c in text) and when and abs(now - when) > _NEAR
    return None if is_vague else when


@lru_cache(maxsize=4096)
def _parsed(
    text: str, now: datetime | None, language: str, offset: timedelta, day_first: bool | None
) -> datetime | None:
    import dateparser

    name, _, region = language.partition("-")
    settings: dict[str, object] = {"PREFER_DATES_FROM": "past"}
    if now is None:
        settings["REQUIRE_PARTS"] = ["day", "month", "year"]
    else:
        settings["RELATIVE_BASE"] = now.astimezone(timezone(offset)).replace(tzinfo=None)
    if day_first is not None or region in _DAY_FIRST:
        settings["DATE_ORDER"] = "MDY" if day_first is False else "DMY"
    if re.match(r"\W*\d{4}", text):
        settings["DATE_ORDER"] = "YMD"
    for tried in _languages(name):
        found: datetime | None = dateparser.parse(text, languages=tried, settings=settings)
        if found is not None:
            return found
    return None


def _languages(name: str) -> list[list[str]]:
    """What to try, one after the other: tried together, English would decide the order of days."""
    from dateparser.data.languages_info import language_order

    known = [name] if name in language_order else []
    return [known, ["en"]] if known and name != "en" else [["en"]]


def _in_utc(found: datetime, offset: timedelta) -> datetime | None:
    zoned = found if found.tzinfo else found.replace(tzinfo=timezone(offset))
    try:
        return zoned.astimezone(UTC)
    except OverflowError:
        return None
