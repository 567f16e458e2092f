"""Dates as pages print them, into aware UTC datetimes. The clock is an argument, never read."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

__all__ = ["moment", "offset_of"]

_NEAR = timedelta(days=8)
"""Words alone name a day of the last week (`Monday`), not `January`."""
_DAY_FIRST = {"gb", "au", "nz", "ie", "za", "in"}
_NOISE = re.compile(r"[\u00a0\u202f\u200e\s]+|(?<=\d)(?:st|nd|rd|th)\b", re.I)


def moment(
    text: str | None, *, now: datetime, language: str = "", offset: timedelta = timedelta(0)
) -> datetime | None:
    """The moment a text names, in UTC; None where it names none.

    ISO first, then by the language of the page (`de`, `en-gb`). `now` anchors `Yesterday`; `offset`
    is the page's time zone, for texts that state none.
    """
    if not isinstance(text, str) or not any(c.isalnum() for c in text):
        return None
    return _iso(text.strip(), offset) or _spoken(
        _NOISE.sub(" ", text).strip(), now, language, offset
    )


def offset_of(text: str) -> timedelta:
    """The zone of `All times are UTC+02:00`; zero where it states none."""
    found = re.search(r"(?:UTC|GMT)\s*([+-\u2212])\s*(\d{1,2})(?::?(\d{2}))?", text)
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


def _spoken(text: str, now: datetime, language: str, offset: timedelta) -> datetime | None:
    anchor = None if re.search(r"\b(19|20)\d\d\b|\d[./-]\d+[./-]\d", text) else now
    try:
        found = _parsed(text[:80], anchor, language, offset)
    except Exception:  # dateparser raises what its regular expressions raise
        return None
    when = found and _in_utc(found, offset)
    is_vague = not any(c.isdigit() for c in text) and when and abs(now - when) > _NEAR
    return None if is_vague else when


@lru_cache(maxsize=4096)
def _parsed(text: str, now: datetime | None, language: str, offset: timedelta) -> datetime | None:
    import dateparser

    name, _, region = language.partition("-")
    settings: dict[str, object] = {"PREFER_DATES_FROM": "past"}
    if now is None:
        settings["REQUIRE_PARTS"] = ["day", "month", "year"]
    else:
        settings["RELATIVE_BASE"] = now.astimezone(timezone(offset)).replace(tzinfo=None)
    if region in _DAY_FIRST:
        settings["DATE_ORDER"] = "DMY"
    for tried in _languages(name):
        found: datetime | None = dateparser.parse(text, languages=tried, settings=settings)
        if found is not None:
            return found
    return None


def _languages(name: str) -> list[list[str] | None]:
    """What to try, one after the other: tried together, English would decide the order of days."""
    from dateparser.data.languages_info import language_order

    known: list[list[str] | None] = [[name]] if name in language_order else [None]
    return [*known, ["en"]]


def _in_utc(found: datetime, offset: timedelta) -> datetime | None:
    zoned = found if found.tzinfo else found.replace(tzinfo=timezone(offset))
    try:
        return zoned.astimezone(UTC)
    except OverflowError:
        return None
