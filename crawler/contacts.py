"""Masks for what reaches a person: e-mail addresses, phone numbers, names on other networks. Pure.

Numbers are the matter of this project: sets, weights, dates and references must stay.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from crawler.wordlists import lists

__all__ = ["EMAIL", "NAME", "NUMBER", "PHONE", "PROFILE", "contacts"]

EMAIL, PHONE, NUMBER = "[email]", "[phone]", "[number]"
NAME, PROFILE = "[name]", "[profile]"
"""What stands for what was masked."""

_AT = r"(?:\s?[\[({<*]\s?(?:at|@|\u00e4t|arroba)\s?[\])}>*]\s?|\s@\s|\s?-at-\s?|_at_)"
_DOT = r"(?:\s?[\[({<*]\s?(?:dot|\.|punkt|point|punto)\s?[\])}>*]\s?|\s?-dot-\s?|_dot_|\.)"
_PART = r"[^\W_][\w+-]{0,63}"
_SPELT_PART = r"[^\W_](?:[^\W_]|[+-](?!(?:at|dot)-)|_(?!(?:at|dot)_)){0,63}"
# The look-behinds keep a long run of letters from being tried at each of its letters.
_PLAIN = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_BRACKETED = re.compile(
    rf"(?<![\w.+-]){_SPELT_PART}(?:{_DOT}{_SPELT_PART}){{0,4}}"
    rf"{_AT}{_SPELT_PART}(?:(?:{_DOT}|\s(?:dot|punkt)\s){_SPELT_PART}){{1,4}}(?!\w)",
    re.I,
)
_PHONE = re.compile(
    r"(?<![\w.,/-])(?:"
    r"(?P<world>(?:\(\+[1-9]\d{0,2}\)|(?:\+|00)[1-9]\d{0,2})[\s./-]?(?:\(\d{1,5}\)[\s./-]?)?\d(?:[\s./-]?\d){5,12})"
    r"|(?:1[\s.-])?\(\d{3}\)\s?\d{3}[\s.-]?\d{4}"
    r"|\(0\d{1,4}\)\s?\d{3,4}[\s-]?\d{3,4}"
    r"|(?P<three>(?:1[\s.-])?[2-9]\d{2}[.\s-]\d{3}[.\s-]\d{4})"
    r"|0\d{2,4}[\s/-]\d{3,4}[\s-]?\d{3,4}"
    r"|0[1-9](?P<by>[\s.-])\d\d(?P=by)\d\d(?P=by)\d\d(?P=by)\d\d"
    r")(?:\s?(?:x|ext\.?)\s?\d{1,5}\b)?(?![\w/]|[.,-]\d)"
)
_CALLED = re.compile(
    r"(\b(?:call|phone|text|tel|mobile|cell|whatsapp|number is|my (?:number|no)|ring|reach|sms|dial"
    r"|landline|mob|fax)\b\W{1,4}(?:me\W+)?(?:(?:at|on)\W+)?)(\d[\d\s().-]{5,}\d)",
    re.I,
)
_BARE = re.compile(
    r"(?<![\w.,/=#$\u00a3\u20ac:%&?+-])"
    r"(?P<before>(?:[A-Za-z][\w-]{1,30}[.:#]?[ \t]{1,2}(?:no\.? )?)?)"
    r"(?P<number>0\d{9,10}|[2-9]\d{9}|[1-9]\d{10,12})(?![\w/%]|[.,-]\d)"
)
_LONG = re.compile(r"\d{10}")
_SOCIAL = re.compile(r"(?<![\w.,/-])(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\w/]|[.,-]\d)")
_IBAN = re.compile(
    r"(?<!\w)[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)",
)
_FULL_WIDTH = str.maketrans({"\uff20": "@", "\ufe6b": "@"})
_AT_SIGN = re.compile(r"(?:at|@|\u00e4t|arroba)\s?[\])}>*]", re.I)
_DIGIT = re.compile(r"\d")
_FEWEST = 7
"""Digits of anything that is called a phone number here."""
_MINIMUM = 9
"""Digits of the shortest number with its country."""


@cache
def _lists() -> dict[str, Any]:
    found: dict[str, Any] = lists()["contacts"]
    return found


def contacts(text: str) -> str:
    """The text without e-mail addresses, phone numbers and names on other networks."""
    if not text.isascii():
        text = text.translate(_FULL_WIDTH)
    # Most texts hold none of it; a quick look for the rarest part spares the slow patterns.
    folded = text.casefold()
    if _may_hold_address(text, folded):
        text = _BRACKETED.sub(EMAIL, _PLAIN.sub(EMAIL, text))
    if "dot" in folded:
        text = _spoken()[0].sub(EMAIL, text)
    if any(host in folded for host in _lists()["hosts"]):
        text = _spoken()[1].sub(EMAIL, text)
    if "/" in text and any(host in folded for host in lists()["profiles"]["hosts"]):
        text = _profile().sub(PROFILE, text)
    if len(_DIGIT.findall(text)) >= _FEWEST:
        text = _IBAN.sub(lambda m: NUMBER if _is_account(m.group()) else m.group(), text)
        text = _SOCIAL.sub(NUMBER, _numbered().sub(lambda m: m[1] + NUMBER, text))
        text = _PHONE.sub(lambda found: PHONE if _is_phone(found) else found.group(), text)
        text = _CALLED.sub(lambda m: m[1] + PHONE if _is_number(m[2]) else m.group(), text)
        text = _BARE.sub(_bare, text) if _LONG.search(text) else text
    if any(network in folded for network in _lists()["networks"]):
        text = _handle().sub(lambda m: m["before"] + NAME, text)
    return text


def _may_hold_address(text: str, folded: str) -> bool:
    """Whether an e-mail address may stand there, its sign written as a sign or as a word."""
    if "@" in text or "-at-" in folded or "_at_" in folded:
        return True
    return any(end in text for end in "])}>*") and _AT_SIGN.search(text) is not None


@cache
def _spoken() -> tuple[re.Pattern[str], ...]:
    """`bea at mail dot org` by the ends addresses have, `bea at gmail.com` by the hosts of mail."""
    ends = "|".join(map(re.escape, _lists()["ends"]))
    hosts = "|".join(map(re.escape, _lists()["hosts"]))
    name = rf"(?<![\w.+-]){_PART}(?:(?:\sdot\s|{_DOT}){_PART}){{0,3}}"
    host = rf"{_PART}(?:(?:\sdot\s|\.){_PART}){{0,2}}?\sdot\s(?:{ends})"
    return (
        re.compile(rf"{name}\sat\s{host}(?!\w)", re.I),
        re.compile(
            rf"{name}(?:\sat\s(?:{hosts})(?:\.|\sdot\s)[a-z]{{2,3}}(?:\.[a-z]{{2}})?"
            rf"|\s?@\s?(?:{hosts})\s?\.\s?(?:com|net|org|co\s?\.\s?uk|de|fr))(?!\w)",
            re.I,
        ),
    )


@cache
def _handle() -> re.Pattern[str]:
    """A name on another network, told after the network's."""
    networks = "|".join(map(re.escape, _lists()["networks"]))
    called = r"(?:\s(?:handle|name|user\s?name|account|profile|id|tag))?"
    return re.compile(
        rf"(?P<before>\b(?:{networks}){called}(?:\s?[:=]\s?|\sis\s|\s)[@(]?)"
        r"(?<=[:=@(\s])(?P<name>(?:(?<=@)|(?=[a-z][\w.]*[\d_.#]))[a-z0-9_][\w.]{2,40}(?<!\.)(?:#\d{4})?)",
        re.I,
    )


@cache
def _profile() -> re.Pattern[str]:
    """A page of somebody on another network, without the beginning of an address."""
    hosts = "|".join(map(re.escape, lists()["profiles"]["hosts"]))
    return re.compile(rf"(?<![\w@./-])(?:[a-z]{{1,6}}\.)?(?:{hosts})/[^\s<>\"'/]+[^\s<>\"']*", re.I)


@cache
def _numbered() -> re.Pattern[str]:
    """A number that names one person, told after what it is."""
    words = "|".join(map(re.escape, _lists()["numbers"]))
    return re.compile(
        rf"(\b(?:{words})\b(?: (?:number|no\.?))?(?: is)?[\s:#]{{1,3}})"
        r"[A-Z]{0,2}\d(?:[\s-]?\d){5,13}[A-Z]?(?!\w)",
        re.I,
    )


def _bare(found: re.Match[str]) -> str:
    """The mask for digits on end that no word before them calls something else."""
    digits = found["number"]
    is_book = len(digits) == 13 and digits.startswith(("978", "979", "1"))
    is_round = digits.endswith("00000")
    words = re.findall(r"[a-z]+", found["before"].lower())
    is_called = any(word in _lists()["records"] for word in words)
    is_kept = is_book or is_round or is_called
    return found.group() if is_kept else found["before"] + PHONE


def _is_account(text: str) -> bool:
    """Whether the check digits of an international bank account are right."""
    letters = text.replace(" ", "")
    turned = letters[4:] + letters[:4]
    return len(letters) >= 15 and int("".join(str(int(c, 36)) for c in turned)) % 97 == 1


def _is_phone(found: re.Match[str]) -> bool:
    """Whether the digits are a phone number, not a row of distances or weights."""
    groups = [int(group) for group in re.findall(r"\d+", found.group())]
    if found["three"]:
        return not all(group % 50 == 0 for group in groups)
    if not found["world"]:
        return True
    digits = re.sub(r"\D", "", found.group().removeprefix("00"))
    is_north_american = digits.startswith("1")
    return len(digits) >= _MINIMUM and not (is_north_american and digits[1:2] in ("0", "1"))


def _is_number(text: str) -> bool:
    return _FEWEST <= sum(c.isdigit() for c in text) <= 15
