"""The words of `data/generic.toml` as compiled patterns."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

__all__ = ["DATE", "MAYBE", "date_in", "pattern"]

_DATA = Path(__file__).parents[2] / "data" / "generic.toml"


@cache
def _raw() -> dict[str, dict[str, str]]:
    return tomllib.loads(_DATA.read_text(encoding="utf-8"))


@cache
def pattern(group: str, name: str) -> re.Pattern[str]:
    """The named pattern of a group, compiled without regard to case."""
    return re.compile(_raw()[group][name], re.I)


def _dates() -> re.Pattern[str]:
    """What a printed date or an age looks like, in the languages of the data."""
    said = _raw()["date"]
    month, clock = rf"(?:{said['months']})[^\W\d]{{0,9}}", r"\d{1,2}[:.h]\d{2}"
    at = r"(?:(?:at|um|à|a las|alle|om|kl|в|o)\.?\s+)?"
    of = r"(?:[\s,.-]|de|of)*"
    return re.compile(
        r"\b\d{4}[-./]\d{1,2}[-./]\d{1,2}\b"
        r"|\b\d{1,2}[-./]\d{1,2}[-./](?:(?:19|20)\d{2}|\d{2})\b"
        r"|\b\d{4}\s?[年년]\s?\d{1,2}\s?[月월]\s?\d{1,2}"
        rf"|\b\d{{1,2}}(?:st|nd|rd|th|er|º|\.)?{of}{month}\.?{of}'?(?:\d{{4}}|\d{{2}})\b(?!:)"
        rf"|\b{month}\.?\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+(?:at\s+)?(?:'\d{{2}}|\d{{4}})\b(?!:)"
        rf"|\b{month}\.?\s+\d{{1,2}}(?:st|nd|rd|th)?\b(?!\w)|\b\d{{1,2}}(?:st|nd|rd|th|\.)?\s+{month}\b"
        rf"|(?<![^\W_])(?:{said['near']})(?=\s*$|,?\s+{at}{clock})"
        rf"|\b(?:\d{{1,3}}|an?|one|ein(?:e[mnr]?)?|un[ae]?|een|en|ett)\+?\s*(?:{said['units']})\s+(?:{said['ago']})\b"
        rf"|\b(?:{said['before']})\s+(?:\d{{1,3}}|eine[mnr]?|une?|um[a]?)\s*(?:{said['units']})\b"
        rf"|\b(?:{said['weekdays']})\w*,?\s+(?:at\s+|um\s+|à\s+)?{clock}",
        re.I,
    )


DATE = _dates()
"""A date as a page prints it; matches begin at the day, not at a week day before it."""

MAYBE = re.compile(rf"\d|\b(?:{_raw()['date']['near']}|{_raw()['date']['ago']})\b", re.I)
"""What every date holds; quick to look for."""
_CLOCK = re.compile(
    r"[\s,]*+(?:(?:at\b|um\b|om\b|kl\.?|à|a las\b|alle\b|@|-|–|»|·|:)[\s,]*+)?"
    r"\d{1,2}[:.h]\d{2}(?:[:.]\d{2})?(?:\s*[ap]\.?\s?m\b\.?)?(?:\s*(?:uhr|utc|gmt)\b)?",
    re.I,
)


def date_in(text: str) -> str:
    """The first date of a text with the time of day that follows it; empty for none."""
    found = DATE.search(text) if MAYBE.search(text) else None
    if found is None:
        return ""
    clock = _CLOCK.match(text, found.end())
    said = text[found.start() : clock.end() if clock else found.end()]
    return " ".join(re.sub(r"\s[:»·@]\s", " ", said).split())
