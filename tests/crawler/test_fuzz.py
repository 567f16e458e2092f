"""Hostile and broken pages through every engine: an answer or our own error, soon, in little room.

Run as a program, the file tries the heavy ones and prints what they cost (`costs`).
"""

from __future__ import annotations

import copy
import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawler.decode import decode
from crawler.documents import Thread
from crawler.engines import ENGINES, read
from crawler.errors import CrawlerError
from crawler.page import Page

PAGES = Path(__file__).parent / "pages"
ROOT = Path(__file__).resolve().parents[2]
CASES = sorted(folder.parent for folder in PAGES.glob("*/*/expected.json"))
NOW = datetime(2024, 9, 6, 12, 0, tzinfo=UTC)
SECONDS = 5.0
"""Of the processor, for one page through one engine."""
MEMORY = 500 * 2**20
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 10**30, 1.5e308, float("nan"), float("inf"), "", "\0", "x", "9" * 30,
    "[" * 40, "\ud800", "javascript:alert(1)", "http://[::1", "-5",
    [], [[]], [None, 7], {}, {"a": {}},
)  # fmt: skip
"""What may stand where something else is expected."""


def tried(text: str, url: str, name: str | None = None, kind: str = "text/html") -> None:
    """Reads a page; whatever comes of it but an error of ours is let through."""
    page = Page(url=url, text=text, fetched=NOW, content_type=kind)
    try:
        found = read(page, name)
    except CrawlerError:
        return
    for document in found.documents:
        if isinstance(document, Thread):
            ids = [post.id for post in document.posts]
            assert len(ids) == len(set(ids))


def case_of(folder: Path) -> tuple[str, str, str]:
    """Text, address and kind of a saved page."""
    (saved,) = folder.glob("input.*")
    url = json.loads((folder / "expected.json").read_text(encoding="utf-8"))["url"]
    kind = "application/json" if saved.suffix == ".json" else "text/html"
    return saved.read_text(encoding="utf-8"), url, kind


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside."""
    if path:
        yield path
    inside: Any = data.items() if isinstance(data, dict) else ()
    for name, value in enumerate(data) if isinstance(data, list) else inside:
        yield from places(value, (*path, name))


def changed(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy with another value at that place; `...` takes it out."""
    whole = copy.deepcopy(data)
    at = whole
    for name in path[:-1]:
        at = at[name]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return whole


def name_of(folder: Path) -> str:
    """`engine/case`."""
    return f"{folder.parent.name}/{folder.name}"


JSON_CASES = [folder for folder in CASES if (folder / "input.json").exists()]
HTML_CASES = [folder for folder in CASES if (folder / "input.html").exists()]


@pytest.mark.parametrize("folder", JSON_CASES, ids=name_of)
def test_wrong_type_in_any_field_is_no_crash(folder: Path) -> None:
    """Each value of a good answer in turn is gone or something odd."""
    text, url, kind = case_of(folder)
    data = json.loads(text)
    rng = random.Random(name_of(folder))
    for path in places(data):
        for odd in (..., *rng.sample(ODD, 5)):
            tried(json.dumps(changed(data, path, odd)), url, folder.parent.name, kind)


@pytest.mark.parametrize("folder", CASES, ids=name_of)
def test_cut_and_jumbled_page_is_no_crash(folder: Path) -> None:
    """A connection that broke off, a proxy that stuttered, a character set that is another."""
    text, url, kind = case_of(folder)
    rng = random.Random(name_of(folder))
    for broken in jumbled(text, rng):
        tried(broken, url, folder.parent.name, kind)
    tried(text[: len(text) // 2], url, None, kind)
    tried(decode(text.encode("utf-16")).text, url, None, kind)


def jumbled(text: str, rng: random.Random) -> Iterator[str]:
    """The page broken in ways that lines and proxies break it."""
    size = len(text)
    for _ in range(4):
        yield text[: rng.randrange(size)]
        start, end = sorted(rng.sample(range(size + 1), 2))
        yield text[:start] + text[end:]
        yield text[:end] + text[start:]
    yield text.encode().decode("latin-1")
    yield text.encode().decode("cp1252", "replace")
    raw = bytearray(text.encode())
    for _ in range(20):
        raw[rng.randrange(len(raw))] = rng.randrange(256)
    yield decode(bytes(raw)).text
    yield text.swapcase()
    yield text.translate({ord("<"): ">", ord(">"): "<"})


@settings(derandomize=True, max_examples=15, deadline=None, database=None,
          suppress_health_check=list(HealthCheck))  # fmt: skip
@given(raw=st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
@pytest.mark.parametrize("name", ENGINES)
def test_random_bytes_are_no_crash(name: str, raw: bytes) -> None:
    """As a page, as JSON and as the inside of a page."""
    text = decode(raw).text
    url = "https://a.example/t/5"
    for each in (text, f"{{{text}", f'<html><body><div class="post" id="p1">{text}</div>'):
        tried(each, url, name)


DOCUMENT = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inside: st.lists(inside, max_size=3)
    | st.dictionaries(st.sampled_from((
        "id", "posts", "data", "items", "children", "post_stream", "topic_list", "topics", "kind",
        "latest_posts", "type", "attributes", "relationships", "included", "comments", "post_view",
        "post", "counts", "hits", "objectID", "question_id", "answers", "title", "results", "tid",
        "thread_id", "message_id_hash", "content", "pagination", "stream", "category_list", "json",
    )), inside, max_size=5),
    max_leaves=25,
)  # fmt: skip
"""Answers of no forum, made of the words that answers use."""


@settings(derandomize=True, max_examples=60, deadline=None, database=None,
          suppress_health_check=list(HealthCheck))  # fmt: skip
@given(data=DOCUMENT)
def test_answer_of_no_forum_is_no_crash(data: Any) -> None:
    """Through every engine that reads answers."""
    for name in {folder.parent.name for folder in JSON_CASES}:
        tried(json.dumps({"a": 1} if data is None else data), "https://a.example/api", name)


@pytest.mark.parametrize(
    "url", ["import:a", "http://a", "https://a.example/%00/t/5?page=%zz&p[]=1"]
)
@pytest.mark.parametrize("folder", CASES, ids=name_of)
def test_page_from_an_odd_address_is_no_crash(folder: Path, url: str) -> None:
    """Saved files have addresses of all kinds."""
    text, _, kind = case_of(folder)
    tried(text, url, folder.parent.name, kind)


# Heavy pages, each in a process of its own.

MEGABYTE = 2**20


def _times(piece: str, size: int) -> str:
    return piece * (size // len(piece))


def _bomb() -> str:
    names = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    return f'<!DOCTYPE html [<!ENTITY l0 "lol">{names}]><html><body><p>&l11;</p></body></html>'


HEAVY: Mapping[str, Callable[[], str]] = {
    "json nested": lambda: '{"post_stream":' * 100_000,
    "json nested and closed": lambda: '{"posts":' + "[" * 100_000 + "]" * 100_000 + "}",
    "json of brackets": lambda: '{"topic_list":{"topics":[' + _times("[],", 50 * MEGABYTE) + "[]",
    "json of objects": lambda: '{"items":[' + _times('{"a":1},', 8 * MEGABYTE) + "{}]}",
    "json number": lambda: '{"id":' + "9" * 200_000 + ',"post_stream":{"posts":[]}}',
    "json text": lambda: '{"post_stream":{"posts":[{"id":1,"post_number":1,"topic_id":5,"cooked":"'
    + _times("<b>", 10 * MEGABYTE) + '"}]}}',
    "html nested": lambda: "<html><body>" + "<div>" * 100_000 + "x",
    "html nested and closed": lambda: "<div>" * 100_000 + "x" + "</div>" * 100_000,
    "html of tags": lambda: "<html><body>" + _times("<b>", 50 * MEGABYTE),
    "html of posts": lambda: "<html><body>"
    + _times('<div class="post" id="p1"><a class="user">a</a><p>Sore knee.</p></div>', 800_000),
    "html of links": lambda: "<html><body>" + _times('<a href="/t/1">a</a> ', 800_000),
    "html table": lambda: "<html><body>" + _times("<table><tr><td>", 350_000),
    "html text": lambda: "<html><body><p>" + _times("knee pain ", 50 * MEGABYTE),
    "html attribute": lambda: f'<html><body class="{_times("a ", 15 * MEGABYTE)}"><p>x</p>',
    "html classes": lambda: "<html><body>"
    + "".join(f'<div class="c{n} d{n}"><p>a</p></div>' for n in range(19_000)),
    "html breaks": lambda: "<html><body><div class=post>" + _times("<br>\n ", 400_000),
    "html quotes": lambda: "<html><body>" + _times("<blockquote>a", MEGABYTE),
    "references": lambda: "<html><body><p>" + _times("&amp;&#x1b;&nbsp;", 15 * MEGABYTE),
    "entity bomb": _bomb,
    "spaces": lambda: "<html><body><p>" + _times(" \n\t", 15 * MEGABYTE) + "x",
    "wide text": lambda: "<html><body><p>" + _times("\U0001f9b5", 12 * MEGABYTE),
    "zero bytes": lambda: "\0" * (50 * MEGABYTE),
    "less-than signs": lambda: "<" * (15 * MEGABYTE),
    "one comment": lambda: "<html><!--" + _times("- ", 15 * MEGABYTE),
    "carried": lambda: '<html><div id="data-preloaded" data-preloaded="'
    + "{&quot;topic_1&quot;:" * 50_000 + '"></div>',
    "dates": lambda: "<html><body>"
    + _times('<div class="post"><time>99/99/9999 yesterday</time><p>knee</p></div>', 300_000),
}  # fmt: skip
SMALL = 60_000
"""Characters of a heavy page that every single engine is given."""


def most() -> int:
    """Bytes of the greatest size of this program alone.

    getrusage counts the process it was started from, which is pytest with all its modules.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024


def costs() -> None:
    """Prints a line for each heavy page: the longest time of the processor, the most memory."""
    for heavy, made in HEAVY.items():
        text = made()
        longest, where = 0.0, ""
        for name, part in [(None, text), *((name, text[:SMALL]) for name in ENGINES)]:
            begun = time.process_time()
            tried(part, "https://a.example/t/5", name)
            if time.process_time() - begun > longest:
                longest, where = time.process_time() - begun, name or "any"
        cost = {"page": heavy, "seconds": round(longest, 2), "engine": where, "memory": most()}
        sys.stdout.write(json.dumps(cost) + "\n")
        sys.stdout.flush()


@pytest.fixture(scope="module")
def spent() -> dict[str, dict[str, Any]]:
    """What the heavy pages cost, each tried in one process that may not take the whole machine."""
    run = subprocess.run(
        [sys.executable, __file__],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (6 * MEMORY, 6 * MEMORY)),
    )
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert run.returncode == 0, f"after {lines[-1:]}: {run.stderr[-2000:]}"
    return {line["page"]: line for line in lines}


@pytest.mark.parametrize("heavy", HEAVY)
def test_heavy_page_costs_little(heavy: str, spent: Mapping[str, dict[str, Any]]) -> None:
    """Under five seconds of the processor and half a gigabyte, through every engine."""
    assert spent[heavy]["seconds"] < SECONDS, spent[heavy]
    assert spent[heavy]["memory"] < MEMORY, spent[heavy]


if __name__ == "__main__":
    costs()
