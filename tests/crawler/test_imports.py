"""Dumps become threads, in pieces; a bad record never ends it. All people are invented."""

from __future__ import annotations

import bz2
import gzip
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha512
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from crawler import imports
from crawler.documents import Thread
from crawler.errors import NothingRead
from crawler.files import Request, read_file, read_paths
from crawler.imports import grouping
from crawler.streams import zstd

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WANTED = Request(fetched=NOW)


def lines(rows: Iterable[Any]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def noise(number: int) -> str:
    """Letters that no packing makes much smaller."""
    return sha512(str(number).encode()).hexdigest()


def kept(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def threads(path: Path, wanted: Request = WANTED) -> list[Thread]:
    found = read_file(path, wanted).documents
    assert all(isinstance(document, Thread) for document in found)
    return [document for document in found if isinstance(document, Thread)]


# Reddit

POST = {
    "id": "abc1", "subreddit": "SoreHeels", "title": "Heel &amp; arch", "selftext": "It *hurts*.",
    "author": "quiet_fern", "created_utc": 1700000000, "num_comments": 3, "score": 4,
    "permalink": "/r/SoreHeels/comments/abc1/heel/", "edited": False,
}  # fmt: skip
COMMENT = {
    "id": "c1", "subreddit": "SoreHeels", "link_id": "t3_abc1", "parent_id": "t3_abc1",
    "body": "&gt; It hurts.\n\nMine [too](https://x.example/a), **daily**.",
    "author": "brave_moss", "created_utc": "1700000100", "score": -2, "edited": 1700000200,
}  # fmt: skip


def test_reddit_comments_join_their_submission(tmp_path: Path) -> None:
    """Ids, times, votes, quotes and what is answered; Markdown and escapes are read."""
    (found,) = threads(kept(tmp_path, "x.jsonl", lines([POST, COMMENT])))
    assert found.source.url == "https://www.reddit.com/comments/abc1/"
    assert (found.title, found.expected) == ("Heel & arch", 4)
    first, second = found.posts
    assert (first.id, first.number, first.text, first.likes) == ("t3_abc1", 1, "It hurts.", 4)
    assert first.url == "https://www.reddit.com/r/SoreHeels/comments/abc1/heel/"
    assert (second.id, second.number, second.reply_to) == ("t1_c1", 2, "t3_abc1")
    assert second.text == "Mine too, daily."
    assert [quote.text for quote in second.quotes] == ["It hurts."]
    assert second.written == datetime.fromtimestamp(1700000100, UTC)
    assert second.edited == datetime.fromtimestamp(1700000200, UTC)
    assert second.likes is None


@pytest.mark.parametrize(
    "gone",
    [
        {"body": "[deleted]"},
        {"body": "[removed]"},
        {"_meta": {"was_deleted_later": True}},
        {"author": "AutoModerator"},
    ],
)
def test_what_was_deleted_since_is_left_out(tmp_path: Path, gone: dict[str, Any]) -> None:
    """Taken back, taken down or deleted later: not read; nor is what a robot says."""
    rows = [POST, COMMENT | gone, COMMENT | {"id": "c2"}]
    (found,) = threads(kept(tmp_path, "x.jsonl", lines(rows)))
    assert [post.id for post in found.posts] == ["t3_abc1", "t1_c2"]


def test_a_deleted_submission_takes_its_title_along(tmp_path: Path) -> None:
    """Its comments stay, in a thread without title and opener."""
    rows = [POST | {"selftext": "[deleted]"}, COMMENT]
    (found,) = threads(kept(tmp_path, "x.jsonl", lines(rows)))
    assert (found.title, [post.id for post in found.posts]) == ("", ["t1_c1"])


def test_only_the_subreddits_asked_for_are_read(tmp_path: Path) -> None:
    """The letters' case does not matter; others are passed by."""
    rows = [POST, POST | {"id": "abc2", "subreddit": "Cats"}]
    path = kept(tmp_path, "x.jsonl", lines(rows))
    (found,) = threads(path, replace(WANTED, only=frozenset({"soreheels"})))
    assert found.source.url.endswith("/abc1/")
    with pytest.raises(NothingRead, match="no thread"):
        read_file(path, replace(WANTED, only=frozenset({"dogs"})))


def test_pieces_of_a_thread_number_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where not all is held at once, the next piece goes on where the former ended."""
    monkeypatch.setattr(grouping.Gathered.__init__, "__defaults__", (3,))
    rows = [POST, *(COMMENT | {"id": f"c{n}", "created_utc": n} for n in range(5))]
    found = threads(kept(tmp_path, "x.jsonl", lines(rows)))
    numbers = [[(post.id, post.number) for post in thread.posts] for thread in found]
    assert numbers == [
        [("t3_abc1", 1), ("t1_c0", 2), ("t1_c1", 3)],
        [("t1_c2", 4), ("t1_c3", 5), ("t1_c4", 6)],
    ]


@pytest.mark.parametrize("broken", [b"{\n", b"[1]\n", b'{"subreddit":"a","id":"!"}\n', b"\xff\n"])
def test_a_bad_line_is_counted_and_the_others_are_read(tmp_path: Path, broken: bytes) -> None:
    """The failure names the line; a record is not the file."""
    path = kept(tmp_path, "x.jsonl", lines([POST]) + broken + lines([COMMENT]))
    steps = list(read_paths([path], WANTED))
    assert [post.id for step in steps if step.document for post in step.document.posts] == [
        "t3_abc1",
        "t1_c1",
    ]
    (failed,) = [step for step in steps if step.failure]
    assert failed.is_record
    assert "line 2" in str(failed.failure)


PACK = {".gz": gzip.compress, ".bz2": bz2.compress, ".zst": zstd.compress, "": bytes}


@pytest.mark.parametrize("packing", PACK)
def test_a_dump_is_known_by_its_content_however_packed(tmp_path: Path, packing: str) -> None:
    """The name may say nothing at all; the packing is told by its first bytes."""
    content = PACK[packing](lines([POST, COMMENT]))
    for name in (f"RC_2024-01{packing}", "dump"):
        (found,) = threads(kept(tmp_path, name, content))
        assert len(found.posts) == 2


def test_a_window_of_two_gigabytes_is_unpacked(tmp_path: Path) -> None:
    """Reddit dumps are packed so; what unpacks them by default refuses that."""
    options = {
        zstd.CompressionParameter.enable_long_distance_matching: 1,
        zstd.CompressionParameter.window_log: 31,
    }
    packer = zstd.ZstdCompressor(options=options)
    content = packer.compress(lines([POST, COMMENT])) + packer.flush()
    (found,) = threads(kept(tmp_path, "RC.zst", content))
    assert len(found.posts) == 2


@pytest.mark.parametrize("packing", [".gz", ".zst", ".bz2"])
def test_a_file_cut_short_gives_what_came_before(tmp_path: Path, packing: str) -> None:
    """The end of it is named as damaged; the whole threads before count."""
    rows = [POST | {"id": f"a{n}", "selftext": noise(n)} for n in range(1200)]
    content = PACK[packing](lines(rows))
    steps = list(read_paths([kept(tmp_path, f"x{packing}", content[: len(content) // 2])], WANTED))
    if packing == ".gz":
        assert sum(step.document is not None for step in steps) > 50
    assert "damaged or cut short" in str(steps[-1].failure)
    assert not steps[-1].is_record


# Stack Exchange

ROWS = b"""\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE posts [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>
<posts>
  <row Id="4" PostTypeId="1" CreationDate="2024-03-01T10:00:00.123" Score="7" OwnerUserId="55"
    Body="&lt;p&gt;My heel &amp;amp; arch hurt.&lt;/p&gt;" Title="Heel &quot;pain&quot;"
    AnswerCount="1" />
  <row Id="5" PostTypeId="2" ParentId="4" CreationDate="2024-03-02T10:00:00.000" Score="-1"
    OwnerDisplayName="calm_birch"
    Body="&lt;blockquote&gt;hurt&lt;/blockquote&gt;&lt;p&gt;Rest.&lt;/p&gt;" />
  <row Id="6" PostTypeId="5" Body="A tag's text" />
  <row Id="x" PostTypeId="1" Body="no number" />
  <row Id="7" PostTypeId="2" ParentId="4" Body="&b;" OwnerDisplayName="late_elm" />
</posts>
"""


def test_stack_exchange_rows_become_threads(tmp_path: Path) -> None:
    """Question and answers join; the folder is the site; entities of the file stand for nothing."""
    folder = tmp_path / "fitness.stackexchange.com"
    folder.mkdir()
    (found,) = threads(kept(folder, "Posts.xml", ROWS.removeprefix(b"\xef\xbb\xbf")))
    assert found.source.url == "https://fitness.stackexchange.com/questions/4"
    assert (found.title, found.expected) == ('Heel "pain"', 2)
    question, answer, late = found.posts
    assert (question.id, question.author, question.likes) == ("4", "55", 7)
    assert question.text == "My heel & arch hurt."
    assert (answer.author, answer.text, answer.reply_to) == ("calm_birch", "Rest.", "4")
    assert [quote.text for quote in answer.quotes] == ["hurt"]
    assert answer.url == "https://fitness.stackexchange.com/a/5"
    assert late.text == "&b;"


def test_posts_without_a_site_ask_for_one(tmp_path: Path) -> None:
    """Neither folder nor flag: one line with the way out."""
    path = kept(tmp_path, "Posts.xml", ROWS)
    with pytest.raises(NothingRead, match="--site"):
        read_file(path, WANTED)
    (found,) = threads(path, replace(WANTED, site="bicycles.stackexchange.com"))
    assert found.source.site == "bicycles.stackexchange.com"


def test_of_a_folder_of_tables_only_posts_are_read(tmp_path: Path) -> None:
    """Users, votes and the like are nobody's words."""
    folder = tmp_path / "fitness.stackexchange.com"
    folder.mkdir()
    kept(folder, "Posts.xml", ROWS)
    kept(folder, "Users.xml", b"<?xml version='1.0'?><users><row Id='1'/></users>")
    assert {step.path.name for step in read_paths([folder], WANTED)} == {"Posts.xml"}


# forum-dl


def entry(kind: str, **item: Any) -> dict[str, Any]:
    return {
        "generator": "forum-dl", "version": "0.3.0", "extractor": "xenforo", "type": kind,
        "download_time": "2024-05-01T00:00:00+00:00", "item": {"origin": "", "data": {}, **item},
    }  # fmt: skip


def test_forum_dl_lines_become_threads(tmp_path: Path) -> None:
    """A thread's line, then its posts; boards are passed by; Discourse keeps its numbers."""
    thread, place = "https://heels.example/threads/sore.12/", ["main", "12"]
    rows = [
        entry("board", path=["main"], url="https://heels.example/", title="Main"),
        entry("thread", path=place, url=thread, title="Sore heel"),
        entry("post", path=place, subpath=["71"], url=f"{thread}post-71", author="calm_birch",
              creation_time="2024-05-01T08:00:00+0200", content="<b>It hurts.</b>"),
        entry("post", path=place, subpath=["72"], url=f"{thread}post-72", author="late_elm",
              creation_time="2024-05-01T09:00:00",
              content="<blockquote>It hurts.</blockquote>Ice."),
        entry("post", path=["main", "13"], subpath=["900"], author="x", creation_time=None,
              url="https://talk.example/t/knee/13/4", content="Knee.",
              data={"post_number": 4, "reply_to_post_number": 2}),
    ]  # fmt: skip
    first, second = threads(kept(tmp_path, "out.jsonl", lines(rows)))
    assert (first.source.url, first.source.site, first.title) == (
        thread,
        "heels.example",
        "Sore heel",
    )
    assert [(p.id, p.author, p.text) for p in first.posts] == [
        ("71", "calm_birch", "It hurts."),
        ("72", "late_elm", "Ice."),
    ]
    assert first.posts[0].written == datetime(2024, 5, 1, 6, tzinfo=UTC)
    assert [q.text for q in first.posts[1].quotes] == ["It hurts."]
    assert second.source.url == "https://talk.example/t/knee/13"
    assert (second.posts[0].id, second.posts[0].reply_to) == ("4", "2")


# Mail

MBOX = b"""From calm.birch@mail.example Mon Jan  6 10:00:00 2025
From: Calm Birch <calm.birch@mail.example>
Subject: [heels] Sore =?utf-8?q?H=C3=BCfte?=
Message-ID: <one@mail.example>
Date: Mon, 06 Jan 2025 10:00:00 +0100
Content-Type: text/plain; charset=latin-1

My hip is sore, \xfcbel.
>From the stairs, I think.

--\x20
Calm Birch, 12 High Street
From late.elm at mail.example  Tue Jan  7 10:00:00 2025
From: late.elm at mail.example (Late Elm)
Subject: Re: [heels] Sore =?utf-8?q?H=C3=BCfte?=
Message-ID: <two@mail.example>
In-Reply-To: <one@mail.example>
Date: Tue, 07 Jan 2025 10:00:00 +0100
Content-Type: text/plain; charset=no-such-set

On Mon, 6 Jan 2025, Calm Birch wrote:
> My hip is sore.

Try bands.
From what I read they help.
_______________________________________________
heels mailing list
From x Wed Jan  8 10:00:00 2025
From: Third Oak <oak@mail.example>
Subject: AW: Sore =?utf-8?q?H=C3=BCfte?=
Date: Wed, 08 Jan 2025 10:00:00 +0100
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=q

--q
Content-Type: text/html; charset=utf-8

<blockquote>Try bands.</blockquote><p>Did nothing for me.</p>
--q
Content-Type: text/plain
Content-Disposition: attachment

not said
--q--
"""


@pytest.mark.parametrize("name", ["list.mbox", "2025-January.txt", "list.mbox.gz"])
def test_a_mail_archive_becomes_threads(tmp_path: Path, name: str) -> None:
    """By reference, else by subject; names, signatures, footers and attachments are left out."""
    content = gzip.compress(MBOX) if name.endswith(".gz") else MBOX
    (found,) = threads(kept(tmp_path, name, content))
    assert found.title == "Sore Hüfte"
    first, second, third = found.posts
    assert (first.number, first.author) == (1, "Calm Birch")
    assert first.text == "My hip is sore, übel.\nFrom the stairs, I think."
    assert first.written == datetime(2025, 1, 6, 9, tzinfo=UTC)
    assert (second.author, second.reply_to) == ("Late Elm", first.id)
    assert second.text == "Try bands.\nFrom what I read they help."
    assert [(q.text, q.post) for q in second.quotes] == [("My hip is sore.", first.id)]
    assert (third.text, third.number) == ("Did nothing for me.", 3)
    assert [q.text for q in third.quotes] == ["Try bands."]


def test_an_archived_mail_is_at_home_in_its_archive(tmp_path: Path) -> None:
    """Addresses and ids are those HyperKitty shows, so that a crawl of it is the same thread."""
    archive = (
        b"List-Archive: <https://lists.example/archives/list/heels@lists.example/>\nMessage-ID"
    )
    (found,) = threads(kept(tmp_path, "x.mbox", MBOX.replace(b"Message-ID", archive, 1)))
    name = found.posts[0].id
    place = "https://lists.example/archives/list/heels@lists.example/thread/"
    assert found.source.url == f"{place}{name}/"
    assert len(name) == 32


def test_months_of_a_list_join(tmp_path: Path) -> None:
    """The same mail in another file belongs to the same thread."""
    second = MBOX.index(b"From late.elm")
    (first,) = threads(kept(tmp_path, "january.mbox", MBOX[:second]))
    (later,) = threads(kept(tmp_path, "february.mbox", MBOX[second:]))
    assert first.source.url == later.source.url


# Web archives

FORUM = """<!DOCTYPE html><html><head><title>Heel pain</title></head><body><article>
<h1>Heel pain</h1><p>Heel pain is common among people who run and among people who stand at work all
day long, and it is usually worst with the first steps of the morning, naïvely.</p>
<p>It is treated with slow calf raises, softer shoes and patience over many weeks.</p></article>
</body></html>"""


def warc(*records: tuple[str, str, bytes, list[tuple[str, str]]], packed: bool = True) -> bytes:
    """A web archive of answers: address, status, body, headers."""
    out = BytesIO()
    writer = WARCWriter(out, gzip=packed)
    for url, status, body, headers in records:
        line = StatusAndHeaders(status, headers, protocol="HTTP/1.1")
        writer.write_record(
            writer.create_warc_record(url, "response", payload=BytesIO(body), http_headers=line)
        )
    return out.getvalue()


HTML = [("Content-Type", "text/html; charset=utf-8")]
HEEL = ("https://clinic.example/heel", "200 OK", FORUM.encode(), HTML)


def test_pages_of_a_web_archive_go_to_the_engines(tmp_path: Path) -> None:
    """Packed bodies are unpacked; pictures, errors and what must not be kept pass by."""
    packed = [*HTML, ("Content-Encoding", "gzip")]
    content = warc(
        HEEL,
        ("https://clinic.example/hip", "200 OK", gzip.compress(FORUM.encode()), packed),
        ("https://clinic.example/a.png", "200 OK", b"\x89PNG", [("Content-Type", "image/png")]),
        ("https://clinic.example/no", "404 Not Found", FORUM.encode(), HTML),
        (
            "https://clinic.example/x",
            "200 OK",
            FORUM.encode(),
            [*HTML, ("X-Robots-Tag", "noindex")],
        ),
    )
    found = read_file(kept(tmp_path, "crawl.warc.gz", content), WANTED).documents
    assert [document.source.url for document in found] == [HEEL[0], "https://clinic.example/hip"]
    assert all("naïvely" in document.text for document in found)  # type: ignore[union-attr]


@pytest.mark.parametrize("packed", [True, False])
def test_a_broken_record_costs_itself(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], packed: bool
) -> None:
    """The next whole record is read, and nothing of the broken one is printed."""
    parts = [warc((f"https://clinic.example/{n}", *HEEL[1:]), packed=False) for n in range(3)]
    content = parts[0] + parts[1].replace(b"Content-Length", b"Content-Lenght") + parts[2]
    path = kept(tmp_path, "crawl.warc", gzip.compress(content) if packed else content)
    urls = [s.document.source.url for s in read_paths([path], WANTED) if s.document]
    assert {"https://clinic.example/0", "https://clinic.example/2"} <= set(urls)
    assert capfd.readouterr().err == ""


def test_a_page_that_swells_is_passed_over(tmp_path: Path) -> None:
    """A body that unpacks to far more than a page is named and the next page read."""
    bomb = gzip.compress(b"a" * 40_000_000)
    headers = [*HTML, ("Content-Encoding", "gzip")]
    content = warc(("https://clinic.example/bomb", "200 OK", bomb, headers), HEEL)
    steps = list(read_paths([kept(tmp_path, "x.warc.gz", content)], WANTED))
    assert [step.document.source.url for step in steps if step.document] == [HEEL[0]]
    assert "unpacks to more" in str(next(step.failure for step in steps if step.failure))


# Own lines, and all of them


def test_every_reader_is_there_and_known_by_its_own_kind() -> None:
    """The table leads to modules that read; a page or a text is none of theirs."""
    for name in imports.READERS:
        assert imports.reader(name).name == name
    for head in (b"", FORUM.encode(), b"I hurt my hip.\n\nSorry to hear.", b'{"post_stream": {}}'):
        assert imports.choose(head) is None


def test_an_archive_of_another_kind_says_what_to_do(tmp_path: Path) -> None:
    """zip, 7z, xz and rar are named."""
    with pytest.raises(NothingRead, match="a 7z archive; unpack it first"):
        read_file(kept(tmp_path, "fitness.7z", b"7z\xbc\xaf\x27\x1c" + b"\0" * 50), WANTED)


def test_reading_says_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes read grow up to the size of the file as it lies on disk."""
    # More than one piece of the threads, and more than one read of the disk.
    rows = [POST | {"id": f"a{n}", "title": noise(n)} for n in range(3_000)]
    monkeypatch.setattr(grouping.Gathered.__init__, "__defaults__", (500,))
    path = kept(tmp_path, "x.jsonl.gz", gzip.compress(lines(rows)))
    steps = list(read_paths([path], WANTED))
    assert [step.read for step in steps] == sorted(step.read for step in steps)
    assert steps[-1].read == steps[-1].size == path.stat().st_size
    assert steps[0].read < steps[-1].size
