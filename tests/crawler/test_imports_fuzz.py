# ruff: noqa: E501
"""Whatever a file holds, reading it ends: no crash, no hang, no memory to speak of."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawler.errors import NothingRead
from crawler.files import Request, Step, read_paths
from crawler.streams import zstd

ROOT = Path(__file__).parents[2]
WANTED = Request(fetched=datetime(2026, 1, 1, tzinfo=UTC), site="heels.example")
MOST = 300 * 2**20
"""Bytes of memory that reading may take, the program itself in them."""
GIANT = 2**28
"""Bytes of a line; what holds it whole takes more than MOST."""

ROW = b'{"id": "a1", "subreddit": "heels", "title": "t", "selftext": "sore", "author": "quiet_fern"}\n'
WHOLE = {
    "reddit.jsonl": ROW * 3
    + b'{"id":"c","subreddit":"heels","link_id":"t3_a1","body":"> a\\n\\nb"}\n',
    "own.jsonl": b'{"kind": "thread", "title": "t", "posts": [{"text": "My heel hurts."}]}\n' * 2,
    "forumdl.jsonl": b'{"generator": "forum-dl", "type": "post", "item": {"path": ["1"], "url": '
    b'"https://f.example/t/1", "subpath": ["2"], "author": "x", "content": "<p>a</p>"}}\n' * 3,
    "Posts.xml": b'<?xml version="1.0"?>\n<posts>\n  <row Id="1" PostTypeId="1" Title="t" '
    b'Body="&lt;p&gt;a&lt;/p&gt;" />\n  <row Id="2" PostTypeId="2" ParentId="1" Body="b" />\n</posts>',
    "list.mbox": b"From x Mon Jan  6 10:00:00 2025\nFrom: A <a@b.example>\nSubject: =?utf-8?q?H=C3?=\n"
    b"Message-ID: <one@b.example>\nContent-Type: multipart/mixed; boundary=q\n\n--q\n\nhi\n--q--\n"
    b"From x Mon Jan  6 10:00:00 2025\nFrom: B\nReferences: <one@b.example>\n\n> hi\n\nyes\n",
    "crawl.warc": b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://f.example/a\r\n"
    b"Content-Length: 75\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n\r\n\r\n",
    "page.html": b"<!doctype html><html><body><article><p>My heel hurts.</p></article></body></html>",
    "pasted.txt": b"Sore hip\n\nI hurt my hip.\n\nSorry to hear. Seen a doctor?\n",
}
PACKED = {"": bytes, ".gz": gzip.compress, ".zst": zstd.compress}
QUICK = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def read(folder: Path, name: str, content: bytes) -> list[Step]:
    """All steps through a file; what is wrong with it is said, never raised."""
    path = folder / name
    path.write_bytes(content)
    steps = list(read_paths([path], WANTED))
    assert all(isinstance(step.failure, NothingRead | None) for step in steps)
    assert all("\n" not in str(step.failure) for step in steps)
    return steps


@QUICK
@given(content=st.binary(max_size=3000), name=st.sampled_from(sorted(WHOLE)))
def test_random_bytes_end_in_words(tmp_path: Path, content: bytes, name: str) -> None:
    """Under any name, and behind the beginning of any format."""
    read(tmp_path, name, content)
    read(tmp_path, name, WHOLE[name][: len(WHOLE[name]) // 2] + content)


@pytest.mark.parametrize("name", WHOLE)
@QUICK
@given(data=st.data())
def test_a_file_cut_or_spoilt_anywhere_ends_in_words(
    tmp_path: Path, name: str, data: st.DataObject
) -> None:
    """Truncated, with bytes changed, packed or not."""
    packing = data.draw(st.sampled_from(sorted(PACKED)))
    content = bytearray(PACKED[packing](WHOLE[name]))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    read(tmp_path, f"{name}{packing}", bytes(content[: data.draw(st.integers(0, len(content)))]))


DEEP = b"[" * 200_000
HOSTILE = {
    "deep.jsonl": ROW + b'{"subreddit":' + DEEP + b"\n" + ROW,
    "digits.jsonl": ROW + b'{"id": 1' + b"0" * 100_000 + b"}\n",
    "never.jsonl": ROW + b'{"id": "a", "subreddit": "h", "title": "t", "created_utc": 1e400}\n',
    "entities.xml": b"<?xml version='1.0'?><!DOCTYPE posts ["
    + b"".join(b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10) for n in range(1, 12))
    + b']>\n<posts>\n<row Id="1" PostTypeId="1" Title="&e11;" Body="&e11;" />\n</posts>',
    "parts.mbox": b"From x Mon Jan  6 10:00:00 2025\nFrom: A\n"
    + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(5000)),
    "header.mbox": b"From x Mon Jan  6 10:00:00 2025\nFrom: A\nReferences: "
    + b"<a@b> " * 100_000 + b"\n\nhi\n",
    "envelopes.mbox": b"From x Mon Jan  6 10:00:00 2025\nFrom: A\n\nhi" + b"\nFrom here on" * 200_000,
    "quotes.mbox": b"From x Mon Jan  6 10:00:00 2025\nFrom: A\n\n" + b">" * 900_000 + b"\n" + b"> " * 50_000,
    "length.warc": b"WARC/1.0\r\nContent-Length: 999999999999999\r\nWARC-Type: response\r\n\r\nHTTP/1.1",
    "minus.warc": (b"WARC/1.0\r\nContent-Length: -5\r\n\r\n" * 20_000),
    "head.warc": b"WARC/1.0\r\n" + b"a: b\r\n" * 200_000,
    "twice.jsonl.gz": gzip.compress(gzip.compress(ROW * 9)),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_made_to_hurt_ends_in_words(tmp_path: Path, name: str) -> None:
    """Deep nesting, endless numbers, entities, thousands of parts, wrong lengths."""
    steps = read(tmp_path, name, HOSTILE[name])
    assert steps
    assert sum(len(str(step.document)) for step in steps) < 5_000_000


MEASURE = """
import resource, sys
from pathlib import Path

def most():
    # The greatest size of this program alone: getrusage counts the process it was started from.
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024

from datetime import UTC, datetime
from crawler.files import Request, read_paths
wanted = Request(fetched=datetime(2026, 1, 1, tzinfo=UTC), site="heels.example")
found = [str(step.failure or "read") for step in read_paths([Path(sys.argv[1])], wanted)]
print(most(), *found)
"""


def bomb(path: Path, packer: object, size: int, start: bytes = ROW) -> None:
    """A file that unpacks to `size` bytes in one line."""
    block = b"a" * 2**22
    with path.open("wb") as file:
        file.write(packer.compress(start))  # type: ignore[attr-defined]
        for _ in range(size // len(block)):
            file.write(packer.compress(block))  # type: ignore[attr-defined]
        file.write(packer.flush())  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["line.jsonl", "line.mbox", "bomb.jsonl.gz", "bomb.html.zst"])
def test_a_giant_takes_no_memory(tmp_path: Path, kind: str) -> None:
    """A line of a quarter of a gigabyte, and little files that unpack to as much."""
    path = tmp_path / kind
    if kind.startswith("line"):
        start = ROW if kind.endswith("jsonl") else WHOLE["list.mbox"]
        path.write_bytes(start)
        with path.open("r+b") as file:
            file.truncate(GIANT)
    elif kind.endswith(".gz"):
        bomb(path, zlib.compressobj(1, zlib.DEFLATED, 31), 2 * GIANT)
    else:
        bomb(path, zstd.ZstdCompressor(), GIANT, b"<!doctype html><html>")
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    memory, said = done.stdout.split(maxsplit=1)
    assert int(memory) < MOST
    assert "longer than" in said or "swells" in said or "more than" in said


def test_numbers_of_failures_do_not_grow_a_message(tmp_path: Path) -> None:
    """A line of a megabyte that is no JSON is not repeated in what is said of it."""
    steps = read(tmp_path, "x.jsonl", ROW + json.dumps("x" * 10**6).encode() + b"\n")
    assert max(len(str(step.failure)) for step in steps) < 400
