"""Coverage-guided fuzzing: `./run fuzz [MINUTES] [TARGET…]`, or `python -m benchmarks.fuzz`.

Each target takes bytes and must end in a result or in an error of ours; what else it promises is
asserted. Atheris (extra `fuzz`) changes the bytes so that they reach lines not reached before. It
starts from seeds of our own and from what earlier runs kept in `.run/fuzz`. What breaks a target is
written there and belongs, once mended, into `tests/fuzzed`, which the tests try again.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

WORK = ROOT / ".run" / "fuzz"
"""What was found to reach new lines, by target, and what broke one."""
LONGEST = 4096
"""Bytes of an input."""
SECONDS = 20
"""One input may take; a hang is a finding."""
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
KEY = b"k" * 32
FORMS = (
    "reddit.jsonl", "own.jsonl", "forumdl.jsonl", "Posts.xml", "list.mbox", "crawl.warc",
    "page.html", "pasted.txt", "refs.bib", "refs.ris", "refs.nbib", "refs.json", "a.eml",
)  # fmt: skip
"""Names of files, by which a reader is chosen."""

Target = Callable[[bytes], None]


def said(raw: bytes) -> str:
    """The bytes as a text, lone surrogates among them."""
    try:
        return raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace")


def cleaning(raw: bytes) -> None:
    """Texts are cleaned, masked and cut into sentences; nothing moves, nothing comes back."""
    from crawler import clean, privacy
    from crawler.decode import decode
    from miner.text import chapters, own_words, repeats, sentences

    decode(raw)
    given = raw.decode("utf-8", "replace")
    plain = clean.text(given)
    assert clean.text(plain) == plain, "cleaned twice is another text"
    assert "\n" not in clean.line(given)
    masked = privacy.mask(plain, {"Quiet Fern", "heelspur77"})
    assert "heelspur77" not in masked.lower().split()
    own = own_words(plain, repeats(plain[: len(plain) // 2]))
    assert len(own) == len(plain), "own words have another length"
    for one in sentences(own):
        assert own[one.start : one.end] == one.text
    assert "".join(plain[a:b] for a, b in chapters(plain, 50)) == plain


@cache
def _reader() -> Any:
    from miner.engines import load

    return load("fast")


def _thread(raw: bytes) -> Any:
    from crawler.documents import Post, Quoted, Source, Thread

    title, *texts = said(raw).split("\x1e")
    posts = [
        Post(
            id=str(number), number=number, text=text, author=text[:1] or None,
            quotes=(Quoted(text=text[-9:]),) if number % 3 == 0 else (),
        )
        for number, text in enumerate(texts or [""], start=1)
    ]  # fmt: skip
    source = Source(url="https://f.example/t/1", site="f.example", fetched=NOON, engine="phpbb")
    return Thread(source=source, title=title, posts=tuple(posts))


def claims(raw: bytes) -> None:
    """The fast engine reads any thread; every quote stands where it is said to stand."""
    from crawler.clean import sound
    from crawler.documents import Thread

    thread = sound(_thread(raw))
    assert isinstance(thread, Thread)
    parts = {"title": thread.title, **{post.id: post.text for post in thread.posts}}
    for claim in _reader().extract(thread):
        text, quote = parts[claim.quote.part], claim.quote
        assert text[quote.start : quote.end] == quote.text
        assert text[claim.phrase_start :].startswith(claim.phrase)
        assert 0 <= claim.confidence <= 1


def articles(raw: bytes) -> None:
    """The same of an article, with its promotions, references and citations."""
    from crawler.clean import sound
    from crawler.documents import Article
    from crawler.plain import read_article
    from miner import promotions
    from miner.credentials import boxes

    source = _thread(b"").source
    article = sound(read_article(said(raw), source))
    assert isinstance(article, Article)
    for claim in (*_reader().extract(article), *promotions.claims(article)):
        text = article.text if claim.quote.part == "text" else article.title
        assert text[claim.quote.start : claim.quote.end] == claim.quote.text
    list(boxes(article.text))


def importing(raw: bytes) -> None:
    """A file of any name, packed or not, ends in documents or in one line of words."""
    from crawler.errors import NothingRead
    from crawler.files import Request, read_paths

    name = FORMS[raw[0] % len(FORMS)] if raw else FORMS[0]
    wanted = Request(fetched=NOON, site="heels.example")
    with tempfile.TemporaryDirectory(dir=_room()) as folder:
        path = Path(folder) / f"{name}{('', '.gz', '.zst')[raw[0] // 64 % 3] if raw else ''}"
        path.write_bytes(raw[1:])
        for step in read_paths([path], wanted):
            assert isinstance(step.failure, NothingRead | None)
            assert "\n" not in str(step.failure)


def _room() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def pages(raw: bytes) -> None:
    """A page through one forum engine, or through the one that is chosen."""
    from crawler.decode import decode
    from crawler.engines import ENGINES, read
    from crawler.errors import CrawlerError
    from crawler.page import Page

    names = (None, *sorted(ENGINES))
    name = names[raw[0] % len(names)] if raw else None
    text = decode(raw[1:]).text
    kind = "application/json" if text[:1] in ("{", "[") else "text/html"
    page = Page(url="https://a.example/t/5", text=text, fetched=NOON, content_type=kind)
    try:
        found = read(page, name)
    except CrawlerError:
        return
    assert all(document.source.url for document in found.documents)


@cache
def _corpus() -> Any:
    from crawler.corpus import Corpus
    from crawler.database import open_database

    return Corpus(open_database("sqlite://"))


def storing(raw: bytes) -> None:
    """What is stored comes back as it was, or was refused in words; then it is forgotten."""
    from crawler.clean import sound
    from crawler.errors import CrawlerError
    from crawler.privacy import pseudonymise

    corpus = _corpus()
    thread = pseudonymise(sound(_thread(raw)), KEY)
    try:
        assert corpus.add(thread) == "new"
        assert corpus.get(thread.source.url) == thread
        assert not corpus.unsound(thread.source.url)
        assert corpus.add(thread) == "same"
    except CrawlerError:
        pass
    corpus.drop(thread.source.url)


def answers(raw: bytes) -> None:
    """What a chat model may answer: only what stands in the post becomes a claim."""
    from miner.answers import Place, claims_of, items
    from miner.questions import Question, passages

    words, _, answer = said(raw).partition("\x1e")
    place = Place(document="u", texts={"1": words}, fields={})
    found = items(answer)
    for piece in passages("1", words) if found else ():
        for claim in claims_of(found or [], Question(post=piece), place).claims:
            assert words[claim.phrase_start :].startswith(claim.phrase)
            assert words[claim.quote.start : claim.quote.end] == claim.quote.text


def leaving(raw: bytes) -> None:
    """What leaves the house: no cell is a formula, no note of a vault leaves its folder."""
    from crawler.clean import text
    from miner.export import obsidian, separated

    plain = text(raw.decode("utf-8", "replace"))
    cell = separated.safe(plain)
    assert not re.match(r"[ \u00a0]*[=+\-@\uff1d\uff0b\uff0d\uff20]", cell)
    assert separated.as_written(cell) == plain or separated.as_written(plain) != plain
    obsidian.escaped(plain)


TARGETS: Mapping[str, Target] = {
    "cleaning": cleaning, "claims": claims, "articles": articles, "importing": importing,
    "pages": pages, "storing": storing, "answers": answers, "leaving": leaving,
}  # fmt: skip


# --- seeds ------------------------------------------------------------------------------------


def seeds(target: str) -> Iterator[bytes]:
    """Inputs of our own to begin with."""
    posts = (
        "Sore heel?\x1eI tried heel drops and they fixed it. Ice did nothing.\x1e> Ice\nWorse!",
        "Hip\x1e[quote=Pat]Rest[/quote] My physio says it comes from sitting; rest did not help."
        "\x1e@bob99 have you tried a night splint?\x1ePat wrote:\n> no\n\nSent from my phone",
    )
    page = (
        '<html><body><div class="post" id="p1"><a class="user">fern</a><time>2024-01-02</time>'
        "<blockquote>Pat wrote: a</blockquote><p>My heel hurts &amp; burns.</p></div></body></html>"
    )
    formats = {
        0: '{"id":"a1","subreddit":"heels","title":"t","selftext":"sore","author":"fern"}\n',
        1: '{"kind":"thread","title":"t","posts":[{"text":"My heel hurts."}]}\n',
        2: '{"generator":"forum-dl","type":"post","item":{"path":["1"],"url":'
        '"https://f.example/t/1","subpath":["2"],"author":"x","content":"<p>a</p>"}}\n',
        3: '<?xml version="1.0"?>\n<posts>\n<row Id="1" PostTypeId="1" Title="t" Body="a" />\n'
        "</posts>",
        4: "From x Mon Jan  6 10:00:00 2025\nFrom: A <a@b.example>\nSubject: t\n"
        "Message-ID: <one@b.example>\n\nhi\n",
        5: "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://f.example/a\r\n"
        "Content-Length: 46\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nhi"
        "\r\n\r\n\r\n",
        6: page,
        7: "Sore hip\n\nI hurt my hip.\n\nSorry to hear. Seen a doctor?\n",
        8: '@article{a, title = {Heel # {drops}}, author = "Hart, Jo and Fern, Q", year = 2020}\n',
        9: "TY  - JOUR\nTI  - Heel drops\nAU  - Hart, Jo\nPY  - 2020\nER  - \n",
        10: "PMID- 1\nTI  - Heel drops\nAU  - Hart J\nDP  - 2020\n",
        11: '[{"type":"article-journal","title":"Heel drops","author":[{"family":"Hart"}]}]',
    }
    if target in ("cleaning", "claims", "storing", "leaving"):
        yield from (post.encode() for post in (*posts, "=1+1", "\u202e\u200b a\x1b[31mb", "Dr. A."))
    elif target == "articles":
        yield (
            b"The heel\n\nBy Jo Hart, DPT\n\nA 2019 trial of 40 runners found that heel drops "
            b"helped (Fern et al., 2019). Order the Heel Pro Brace now!\n\nReferences\n"
            b"1. Fern Q. Heels. 2019."
        )
    elif target == "importing":
        yield from (bytes([number]) + text.encode() for number, text in formats.items())
    elif target == "pages":
        from crawler.engines import ENGINES

        yield from (bytes([number]) + page.encode() for number in range(len(ENGINES) + 1))
        for saved in sorted((ROOT / "tests/crawler/pages").glob("*/*/input.*")):
            name = saved.parent.parent.name
            number = (None, *sorted(ENGINES)).index(name) if name in ENGINES else 0
            yield bytes([number]) + saved.read_bytes()
    elif target == "answers":
        yield (
            b'I ice it twice a day.\x1e```json\n{"claims":[{"kind":"remedy","quote":"I ice it",'
            b'"phrase":"ice","outcome":"helped"}]}\n```'
        )


# --- the way in -------------------------------------------------------------------------------


def once(target: str) -> None:
    """Runs one target until its time is over or it breaks; in a process of its own."""
    import atheris  # type: ignore[import-untyped,unused-ignore]

    with atheris.instrument_imports(include=["crawler", "miner"]):
        import miner.answers
        import miner.credentials
        import miner.engines
        import miner.export.obsidian
        import miner.export.separated
        import miner.promotions
        import miner.text  # noqa: F401
    atheris.Setup(sys.argv, TARGETS[target])
    atheris.Fuzz()


def run(target: str, seconds: int) -> int:
    """Seeds, then so many seconds of changed ones; the exit code of the fuzzer, 0 for nothing."""
    kept, begun = WORK / target, WORK / f"{target}.seeds"
    kept.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(begun, ignore_errors=True)
    begun.mkdir()
    for number, seed in enumerate(seeds(target)):
        (begun / f"{number:04}").write_bytes(seed)
    command = [
        sys.executable, "-m", "benchmarks.fuzz", "--once", target, str(kept), str(begun),
        f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-timeout={SECONDS}",
        "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=1",
        f"-artifact_prefix={WORK / target}-",
    ]  # fmt: skip
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def main() -> None:
    """Each target in turn, its share of the minutes."""
    if sys.argv[1:2] == ["--once"]:
        target = sys.argv.pop(2)
        sys.argv.pop(1)
        once(target)
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("minutes", nargs="?", type=float, default=8.0, help="for all together")
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(TARGETS)}; all by default")
    chosen = parser.parse_args()
    names = chosen.targets or list(TARGETS)
    if wrong := [name for name in names if name not in TARGETS]:
        parser.error(f"no target {wrong[0]!r}; there are {', '.join(TARGETS)}")
    seconds = max(1, int(chosen.minutes * 60 / len(names)))
    broken = [name for name in names if run(name, seconds)]
    print(f"broken: {', '.join(broken)}; the inputs lie in {WORK}" if broken else "nothing broke")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
