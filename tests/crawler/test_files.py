"""Files become documents, and what is no document is refused in one clear line."""

from __future__ import annotations

import json
import os
import time
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler import plain
from crawler.documents import Article, Post, Source, Thread
from crawler.errors import NothingRead
from crawler.files import FORMATS, Homes, Request, read_file, read_paths

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WANTED = Request(fetched=NOW)
CASES = sorted((Path(__file__).parent / "plain").iterdir())
SOURCE = Source(url="import:x-00000000", site="import", fetched=NOW, engine="plain-article")

TALK = "Sore hip\n\nI hurt my hip and I can't run.\n\nSorry to hear. Have you seen a doctor?\n"
ARTICLE = "Hip Pain\n\nHip pain is common in athletes. It is treated with rest and exercise.\n"


def kept(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def article(path: Path) -> Article:
    (found,) = read_file(path, WANTED).documents
    assert isinstance(found, Article)
    return found


def thread(path: Path) -> Thread:
    (found,) = read_file(path, WANTED).documents
    assert isinstance(found, Thread)
    return found


def cases(kind: str) -> list[Path]:
    """The folders of `plain` whose text is of that kind."""
    return [case for case in CASES if case.name.startswith(kind)]


@pytest.mark.parametrize("case", cases("thread"), ids=lambda case: case.name)
def test_pasted_thread_becomes_the_expected_posts(case: Path) -> None:
    """Each folder holds a pasted thread and the posts and likes that must be read from it."""
    expected = json.loads((case / "expected.json").read_text())
    found = thread(case / "input.txt")
    assert found.title == expected["title"]
    assert [post.text for post in found.posts] == expected["posts"]
    assert [post.likes for post in found.posts] == expected["likes"]


@pytest.mark.parametrize("case", cases("article"), ids=lambda case: case.name)
def test_pasted_article_becomes_the_expected_article(case: Path) -> None:
    """Each folder holds an article and what it states of itself; promotion stays in the text."""
    expected = json.loads((case / "expected.json").read_text())
    found = article(case / "input.txt")
    dates = [when and when.isoformat() for when in (found.published, found.reviewed)]
    assert found.title == expected["title"]
    assert [found.author, found.credential] == [expected["author"], expected["credential"]]
    assert dates == [expected["published"], expected["reviewed"]]
    assert [[r.doi, r.pmid] for r in found.references] == expected["references"]
    assert [part for part in expected["keeps"] if part not in found.text] == []


def test_posts_are_numbered_and_name_nobody(tmp_path: Path) -> None:
    """A pasted thread has ids p1, p2, … and no authors or times."""
    found = thread(kept(tmp_path, "hip.txt", TALK))
    assert [(p.id, p.number, p.author, p.written) for p in found.posts] == [
        ("p1", 1, None, None),
        ("p2", 2, None, None),
    ]
    assert 0 < found.confidence < 1


def test_posts_are_stretches_of_the_file(tmp_path: Path) -> None:
    """Every post's text stands in the normalised file character for character."""
    text = (CASES[-1] / "input.txt").read_text().replace("\n\nI", "\n\n\n\nI")
    found = thread(kept(tmp_path, "hip.txt", text))
    assert all(post.text in text for post in found.posts)


class Notes(dict[str, str]):
    """What the store remembers of files."""

    def stamp(self, url: str) -> str | None:
        return self.get(url)

    def keep_stamp(self, url: str, stamp: str) -> None:
        self[url] = stamp


def test_file_is_known_by_its_content_and_shows_no_path(tmp_path: Path) -> None:
    """The address holds name and mark, no folder; the content alone makes the mark."""
    path = kept(tmp_path, "My Höft (2).txt", TALK)
    source = thread(path).source
    assert source.url.startswith("import:my-hoft-2-")
    assert len(source.url.split("-")[-1]) == 12
    assert (source.site, source.engine) == ("import", "plain-thread")
    assert thread(kept(tmp_path, "other.txt", ARTICLE + TALK)).source.url != source.url
    (tmp_path / "b").mkdir()
    assert thread(kept(tmp_path / "b", path.name, TALK)).source == source


def test_file_that_moved_or_changed_is_the_same_document(tmp_path: Path) -> None:
    """Moved with its content, or edited in its place, a file keeps its address."""
    wanted = replace(WANTED, home=Homes(Notes()))

    def url(name: str, content: str) -> str:
        return read_file(kept(tmp_path, name, content), wanted).documents[0].source.url

    first = url("hip.txt", TALK)
    assert url("moved.txt", TALK) == first
    assert url("hip.txt", TALK + "\nIt is better now.\n") == first
    assert url("moved.txt", TALK + "\nIt is better now.\n") == first
    assert url("new.txt", ARTICLE) != first


def test_kind_can_be_forced(tmp_path: Path) -> None:
    """A user's word on the kind overrules the guess."""
    path = kept(tmp_path, "hip.txt", TALK)
    (found,) = read_file(path, replace(WANTED, kind="article")).documents
    assert isinstance(found, Article)
    assert found.source.engine == "plain-article"


@pytest.mark.parametrize(
    ("name", "content", "cause"),
    [
        ("empty.txt", b"", "empty"),
        ("blank.txt", b" \n\n\t\n", "empty"),
        ("marks.txt", b"---\n...\n", "no words"),
        ("zeros.txt", b"\x00\x01\x02hip", "binary"),
        ("shot.txt", b"\x89PNG\r\n\x1a\n", "binary"),
        ("scan.pdf", b"%PDF-1.4", "unknown format"),
        ("cut.json", b'{"post_stream": ', "no valid JSON"),
        ("else.json", b'{"a": 1}', "no known"),
        ("rows.jsonl", b'{"kind": "poem"}\n', "line 1"),
        ("rows2.jsonl", b'{"kind": "thread", "posts": []}\n', "line 1"),
        ("rows3.jsonl", b'{"kind": "article", "text": 4}\n', "line 1"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(
    tmp_path: Path, name: str, content: bytes, cause: str
) -> None:
    """The error names the file and the cause, in one line."""
    with pytest.raises(NothingRead) as error:
        read_file(kept(tmp_path, name, content), WANTED)
    assert name in str(error.value)
    assert cause in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_path_is_refused(tmp_path: Path) -> None:
    """A path that does not exist says so."""
    with pytest.raises(NothingRead, match="no such file"):
        read_file(tmp_path / "gone.txt", WANTED)


def test_folder_without_readable_files_is_refused(tmp_path: Path) -> None:
    """A folder that holds nothing to read is named, with the known formats."""
    kept(tmp_path, "photo.png", b"\x89PNG")
    (step,) = read_paths([tmp_path], WANTED)
    assert step.path == tmp_path
    assert ".jsonl" in str(step.failure)
    with pytest.raises(NothingRead, match="holds no file"):
        read_file(tmp_path, WANTED)


@pytest.mark.parametrize("name", ["line.txt", "line.md", "line.html", "line.json", "line.jsonl"])
def test_line_of_twenty_megabytes_is_refused_quickly(tmp_path: Path, name: str) -> None:
    """A giant line ends in one clear error within seconds, whatever it is called."""
    path = kept(tmp_path, name, b"word " * 4_000_000)
    start = time.process_time()
    with pytest.raises(NothingRead):
        read_file(path, WANTED)
    assert time.process_time() - start < 5


def test_long_line_below_the_limit_of_bytes_is_refused(tmp_path: Path) -> None:
    """Nobody writes a paragraph of a million characters."""
    with pytest.raises(NothingRead, match="a line of 1,500,000"):
        read_file(kept(tmp_path, "line.txt", b"word " * 300_000), WANTED)


def test_broken_utf8_is_read_and_noted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Single broken bytes are replaced; the rest of the text stays, and the log tells."""
    path = kept(tmp_path, "hip.txt", TALK.replace("'", "’").encode() + b"\xff\xfe ok\n")
    assert "can’t run" in "".join(post.text for post in thread(path).posts)
    assert "hip.txt: 2 bytes that are not utf-8 were replaced" in caplog.text


def test_other_character_sets_are_recognised(tmp_path: Path) -> None:
    """Text of Windows and text with a byte-order mark keep their letters."""
    text = ARTICLE + "\nIt’s called “café knee” – a naïve name for a déjà-vu pain.\n"
    assert "“café knee” – a naïve" in article(kept(tmp_path, "w.txt", text.encode("cp1252"))).text
    assert "“café knee” – a naïve" in article(kept(tmp_path, "u.txt", text.encode("utf-16"))).text
    assert article(kept(tmp_path, "b.txt", text.encode("utf-8-sig"))).title == "Hip Pain"


def test_character_set_a_page_declares_is_believed(tmp_path: Path) -> None:
    """A saved page in Cyrillic one-byte letters is read as its meta element says."""
    page = PAGE.format(head='<meta charset="koi8-r">').replace("</h1>", " (боль)</h1>")
    found = article(kept(tmp_path, "heel.html", page.encode("koi8-r")))
    assert "боль" in found.title + found.text


def test_paste_of_endless_paragraphs_is_refused_quickly(tmp_path: Path) -> None:
    """Megabytes of tiny paragraphs do not keep the reader waiting."""
    path = kept(tmp_path, "long.txt", "I hurt my hip.\n\n" * 100_000)
    start = time.process_time()
    with pytest.raises(NothingRead, match="split the file"):
        read_file(path, WANTED)
    assert time.process_time() - start < 5


def test_pipe_is_refused(tmp_path: Path) -> None:
    """What is no regular file is not waited for."""
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(NothingRead, match="no regular file"):
        read_file(tmp_path / "pipe.txt", WANTED)


def test_carriage_returns_are_normalised(tmp_path: Path) -> None:
    """Line ends of Windows and old Macs read as line feeds."""
    for end in ("\r\n", "\r"):
        found = article(kept(tmp_path, "hip.txt", ARTICLE.replace("\n", end)))
        assert "\r" not in found.text
        assert found.title == "Hip Pain"


def test_folders_are_walked_in_order_of_name(tmp_path: Path) -> None:
    """Files come sorted, hidden and unknown ones are passed over, bad ones come as errors."""
    (tmp_path / "b").mkdir()
    kept(tmp_path / "b", "z.txt", TALK)
    kept(tmp_path / "b", "a.txt", b"")
    kept(tmp_path, "c.md", ARTICLE)
    kept(tmp_path, ".hidden.txt", TALK)
    kept(tmp_path, "photo.png", b"\x89PNG")
    read = list(read_paths([tmp_path], WANTED))
    assert [step.path.name for step in read] == ["c.md", "a.txt", "z.txt"]
    assert [step.document is None for step in read] == [False, True, False]


def test_own_rows_keep_every_field(tmp_path: Path) -> None:
    """A line of our own form becomes a thread or an article with all that it states."""
    post = {
        "id": "41", "author": "elk", "written": "2024-05-01T10:00:00+02:00", "text": "It hurts.",
        "likes": 3, "reply_to": "40", "url": "https://f.example/t/1#41",
        "quotes": [{"text": "Ouch?", "author": "owl", "post": "40"}],
    }  # fmt: skip
    rows = [
        {"kind": "thread", "url": "https://f.example/t/1", "title": "Heel", "posts": [post]},
        {
            "kind": "article",
            "title": "Heel",
            "text": "Heels hurt.",
            "references": [{"doi": "10.1/x"}],
        },
    ]
    path = kept(tmp_path, "own.jsonl", "\n".join(map(json.dumps, rows)) + "\n\n")
    first, second = read_file(path, WANTED).documents
    assert isinstance(first, Thread)
    assert isinstance(second, Article)
    assert (first.source.url, first.source.site) == ("https://f.example/t/1", "f.example")
    (read,) = first.posts
    assert (read.id, read.author, read.likes, read.reply_to) == ("41", "elk", 3, "40")
    assert read.written == datetime(2024, 5, 1, 8, tzinfo=UTC)
    assert (read.quotes[0].author, read.quotes[0].post) == ("owl", "40")
    assert second.source.site == "import"
    assert second.references[0].doi == "10.1/x"


def test_bad_row_is_passed_over_and_noted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One bad line costs itself alone; the lines keep their identity."""
    good = json.dumps({"kind": "article", "text": "Heels hurt."})
    path = kept(tmp_path, "own.jsonl", f"{good}\nnot json\n{good}\n")
    urls = [document.source.url for document in read_file(path, WANTED).documents]
    assert [url.rsplit("-", 1)[1] for url in urls] == ["1", "3"]
    assert "line 2: not JSON" in caplog.text


TOPIC = {
    "id": 7, "title": "Sore heel", "slug": "sore-heel", "posts_count": 2,
    "post_stream": {"stream": [1, 2], "posts": [
        {"id": 1, "post_number": 1, "username": "elk", "created_at": "2024-05-01T10:00:00.000Z",
         "cooked": "<p>My heel hurts.</p>", "topic_id": 7, "topic_slug": "sore-heel"},
        {"id": 2, "post_number": 2, "username": "owl", "created_at": "2024-05-02T10:00:00.000Z",
         "cooked": "<p>Mine too.</p>", "topic_id": 7, "topic_slug": "sore-heel"},
    ]},
}  # fmt: skip


def test_discourse_topic_is_read_by_its_engine(tmp_path: Path) -> None:
    """A saved topic answer gives its posts; without an address it is at home in the import."""
    path = kept(tmp_path, "7.json", json.dumps(TOPIC))
    found = thread(path)
    assert [post.text for post in found.posts] == ["My heel hurts.", "Mine too."]
    assert (found.source.engine, found.source.site) == ("discourse", "import")
    (named,) = read_file(path, replace(WANTED, url="https://f.example/t/sore-heel/7")).documents
    assert named.source.site == "f.example"


PAGE = """<!DOCTYPE html><html><head><title>Heel pain</title>{head}</head><body><article>
<h1>Heel pain</h1><p>Heel pain is common among people who run and among people who stand at work all
day long, and it is usually worst with the first steps of the morning.</p><p>It is treated with slow
calf raises, softer shoes and patience, and most people recover within a year.</p></article>
</body></html>"""


@pytest.mark.parametrize(
    "head",
    [
        '<link rel="canonical" href="https://clinic.example/heel">',
        '<meta property="og:url" content="https://clinic.example/heel">',
        "<!-- saved from url=(0027)https://clinic.example/heel -->",
        "<!--\n Page saved with SingleFile \n url: https://clinic.example/heel\n-->",
    ],
)
def test_saved_page_is_known_by_the_address_it_prints(tmp_path: Path, head: str) -> None:
    """Canonical link, og:url and the browser's comment tell where a saved page came from."""
    found = article(kept(tmp_path, "heel.html", PAGE.format(head=head)))
    assert (found.source.url, found.source.site) == (
        "https://clinic.example/heel",
        "clinic.example",
    )


def test_page_without_address_is_at_home_in_the_import(tmp_path: Path) -> None:
    """A page without address has the identity of its file, under any ending."""
    found = article(kept(tmp_path, "heel.txt", PAGE.format(head="")))
    assert found.source.url.startswith("import:heel-")
    assert found.source.site == "import"


def test_every_format_is_in_the_document() -> None:
    """docs/formats.md names each ending that is read."""
    text = (Path(__file__).parents[2] / "docs" / "formats.md").read_text()
    assert [end for end in FORMATS if f"`{end}`" not in text] == []


@pytest.mark.parametrize(
    ("line", "author", "credential"),
    [
        ("By Ana Maria Torres", "Ana Maria Torres", None),
        ("Written by Dr. Lena Okafor, MD", "Lena Okafor", "MD"),
        ("Author: Piet de Vries", "Piet de Vries", None),
        ("By Orla Fenwick PT, DPT | 4 May 2020", "Orla Fenwick", "PT, DPT"),
        ("Dr. Hugo Lindqvist DC is a chiropractor in Oslo.", "Hugo Lindqvist", "DC"),
        ("Dr. Hugo Lindqvist practises in Oslo.", "Hugo Lindqvist", "Dr"),
        ("By the way I met Hugo Lindqvist.", None, None),
        ("By Monday Evening most people feel better already.", None, None),
    ],
)
def test_author_is_taken_only_where_the_text_names_one(
    line: str, author: str | None, credential: str | None
) -> None:
    """By-lines and sentences about the author give name and credential; prose does not."""
    found = plain.read_article(f"Hip Pain\n\nHips ache.\n\n{line}\n", SOURCE)
    assert (found.author, found.credential) == (author, credential)


def test_thread_of_one_line_keeps_its_text() -> None:
    """A single line is a post, not a title without posts."""
    found = plain.read_thread("My hip hurts, any ideas?", SOURCE)
    assert [post.text for post in found.posts] == ["My hip hurts, any ideas?"]


@pytest.mark.shared
def test_real_texts_are_told_apart(shared: Path) -> None:
    """All seeds and gold articles, and 28 of the 29 gold threads or more, are of the right kind."""
    seeds = sorted((shared / "seeds").glob("*.txt"))
    assert [plain.kind_of(p.read_text()).kind for p in seeds] == ["article"] * 4 + ["thread"]
    for path in (shared / "gold" / "articles").glob("*.json"):
        given = json.loads(path.read_text())
        assert plain.kind_of(f"{given['title']}\n\n{given['text']}").kind == "article", path.name
    threads = [json.loads(p.read_text()) for p in (shared / "gold" / "threads").glob("*.json")]
    texts = ["\n\n".join([t["title"], *(p["text"] for p in t["posts"])]) for t in threads]
    assert sum(plain.kind_of(text).kind == "thread" for text in texts) >= len(texts) - 1


def test_the_schema_of_our_lines_names_every_field() -> None:
    """docs/row.schema.json and the reader know the same fields, needed and optional."""
    schema = json.loads((Path(__file__).parents[2] / "docs" / "row.schema.json").read_text())
    thread, written = schema["oneOf"]
    post = thread["properties"]["posts"]["items"]
    assert set(post["properties"]) == {field.name for field in fields(Post)}
    own = {field.name for field in fields(Thread)} - {"source", "confidence"}
    assert set(thread["properties"]) == own | {"kind", "url", "site"}
    own = {field.name for field in fields(Article)} - {"source"}
    assert set(written["properties"]) == own | {"kind", "url", "site"}
    assert (thread["required"], post["required"]) == (["kind", "posts"], ["text"])
