"""A sender may choose a character set to be read in, and nothing else that Python decodes."""

from __future__ import annotations

import codecs
import encodings
import pkgutil

import pytest
from scrapy import Request
from scrapy.http import HtmlResponse

from crawler.border import Charsets
from crawler.decode import character_set, decode, stated

URL = "https://forum.example/t/1"
CODECS = sorted(found.name for found in pkgutil.iter_modules(encodings.__path__))
NO_SETS = {"idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape", "utf_7"}


@pytest.mark.parametrize(
    "name", ["UTF-8", "latin1", "windows-1251", "koi8-r", "Shift_JIS", "gb2312", "big5", "euc-kr"]
)
def test_sets_in_use_are_known_by_all_their_names(name: str) -> None:
    """As Python's name of them, whatever the spelling."""
    assert character_set(name) == codecs.lookup(name).name


def test_codecs_that_are_no_character_sets_are_none() -> None:
    """Of all that Python has, text codecs that are slow or write other letters are left out."""
    assert {name for name in CODECS if character_set(name)}.isdisjoint(NO_SETS)
    assert not any(map(character_set, ("", "x-nonsense", "rot13", "zlib", "a\0b", "ü")))


def test_a_page_that_names_such_a_codec_is_read_as_what_it_looks_like() -> None:
    """Named by its sender or by itself."""
    raw = b'<meta charset="unicode_escape">caf\xe9 \\u0041'
    assert stated(raw, "punycode") is None
    assert decode(raw).text == '<meta charset="unicode_escape">caf\xe9 \\u0041'


@pytest.mark.parametrize(
    ("header", "head", "text"),
    [
        ("text/html; charset=punycode", "", "ab-\\u0041"),
        ("text/html", '<meta charset="unicode_escape">', "ab-\\u0041"),
        ("text/html; charset=x-unknown", "", "ab-\\u0041"),
    ],
)
def test_an_answer_is_read_in_no_such_codec(header: str, head: str, text: str) -> None:
    """As UTF-8 instead."""
    body = f"{head}{text}".encode()
    answer = HtmlResponse(URL, headers={"Content-Type": header}, body=body)
    assert Charsets().process_response(Request(URL), answer).text.endswith(text)


def test_an_answer_in_a_character_set_is_left_alone() -> None:
    """The very same answer."""
    kind = {"Content-Type": "text/html; charset=windows-1251"}
    answer = HtmlResponse(URL, headers=kind, body="боль".encode("cp1251"))
    assert Charsets().process_response(Request(URL), answer) is answer
