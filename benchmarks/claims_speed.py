"""Speed and memory of the extraction: `python benchmarks/claims_speed.py [--posts N] [--long]`.

Invented posts of about a hundred words in threads of ten are read by the model and by `--fast`, in
one process and in as many as there are cores, side by side. Told are posts and words a second, the
largest memory of one process, and whether the claims are the same whatever the number of processes
and whatever was read before; also posts a second of processor time, which other programs on the
machine hardly change, and what the gate lets through.

With `--long`, 100,000 posts are read by `--fast` (or by `--engine`, as many as `--posts` says) in
one process: time and memory of each tenth of them; then a thread of 5,000 posts and one of half as
many, and a post of a million letters and one of half a million. No sentence of these comes twice.
With `--memory`, memory of 500, 2,000 and 8,000 short posts by the model.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "training"))

import written

from crawler.documents import Post, Source, Thread
from miner import engines
from miner.model import Claim
from miner.readers import Readers, cores
from miner.text import sentences

POSTS, WORDS = 600, 100
"""Posts that are read, and words of a post, about: as many as posts about injuries have."""
SMALL, LARGE = 1_000, 100_000
THREAD, LETTERS = 5_000, 1_000_000
"""Posts of a long thread, letters of a long post."""
SHORT, GROWING = 12, (500, 2_000, 8_000)
"""Words of short posts, and how many of them are read to see whether the memory grows."""


def sayings() -> list[str]:
    """What the posts are put together from: the posts of the written threads, each once."""
    found = {post["text"]: None for thread in written.threads() for post in thread["posts"]}
    return [text for text in found if ">" not in text and "quote" not in text.lower()]


def threads(posts: int, seed: int = 1, words: int = WORDS) -> Iterator[Thread]:
    """Threads of ten posts each; no saying comes twice in a thread, where it would be a quote."""
    rng, known = random.Random(seed), sayings()
    for number in range(0, posts, 10):
        order = iter(rng.sample(known, len(known)))
        some = (
            Post(id=str(n), number=n, text=_post(order, words), author=f"p{rng.randrange(99)}")
            for n in range(1, min(10, posts - number) + 1)
        )
        yield _thread(number, some)


def _thread(number: int, posts: Iterable[Post]) -> Thread:
    read = datetime(2026, 1, 1, tzinfo=UTC)
    source = Source(url=f"thread {number}", site="speed", fetched=read, engine="benchmark")
    return Thread(source=source, title="A question about my knee", posts=tuple(posts))


def fresh(thread: Thread, number: int) -> Thread:
    """The thread with a word at the end of each sentence of a post that no other post has."""
    posts = (
        replace(one, text=_MARK.sub(rf" q{number}x{one.number}\g<0>", one.text))
        for one in thread.posts
    )
    return replace(thread, posts=tuple(posts))


_MARK = re.compile(r"[.!?](?=\s|$)")


def one_thread(posts: int) -> Thread:
    """A thread of so many posts of a hundred words."""
    some = (fresh(thread, number) for number, thread in enumerate(threads(posts)))
    said = enumerate((post.text for thread in some for post in thread.posts), 1)
    return _thread(0, (Post(id=str(n), number=n, text=t, author=f"p{n % 99}") for n, t in said))


def one_post(letters: int) -> Thread:
    """A thread of one post of so many letters."""
    said = "\n\n".join(post.text for post in one_thread(letters // 500).posts)
    return _thread(0, [Post(id="1", number=1, text=said[:letters], author="p1")])


def _post(order: Iterator[str], words: int) -> str:
    said: list[str] = []
    while sum(len(one.split()) for one in said) < words * 0.85:
        said.append(next(order))
    return "\n\n".join(said)


def words(documents: Iterable[Thread]) -> int:
    """Words of all posts."""
    return sum(len(post.text.split()) for document in documents for post in document.posts)


def read(name: str, documents: Iterable[Thread], processes: int) -> Iterator[list[Claim]]:
    """The claims of each document."""
    with Readers(name, engines.load(name), processes) as readers:
        for _, claims in readers.each((None, document) for document in documents):
            yield claims()


def mark(found: Iterable[list[Claim]]) -> str:
    """The same for the same claims, every field of them."""
    digest = hashlib.sha256()
    for claims in found:
        digest.update(repr(claims).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:12]


def compare(name: str, posts: int) -> None:
    """Tell speed with one process and with several, and whether they found the same."""
    warm, some = list(threads(320, seed=9)), list(threads(posts))
    seen = set()
    for processes in sorted({1, cores()}):
        with Readers(name, engines.load(name), processes) as readers:
            for _, claims in readers.each((None, document) for document in warm):
                claims()
            started, used = time.perf_counter(), time.process_time()
            found = [claims() for _, claims in readers.each((None, one) for one in some)]
            spent, used = time.perf_counter() - started, time.process_time() - used
        seen.add(mark(found))
        print(
            f"{name:8} {processes} process{'es' if processes > 1 else '  '}:",
            f"{posts / spent:7.1f} posts, {words(some) / spent:8.0f} words a second;",
            f"{sum(map(len, found))} claims",
            f"({posts / used:.1f} posts a second of processor time)" if processes == 1 else "",
            flush=True,
        )
    backwards = list(read(name, some[::-1], 1))[::-1]
    seen.add(mark(backwards))
    print(f"{name:8} same claims in one process, in several, and backwards: {len(seen) == 1}")


def gated(posts: int) -> None:
    """Tell which share of the sentences and of the letters the gate lets through."""
    gate, sizes = engines.load("offline").tagger.gate, [0, 0, 0, 0]  # type: ignore[attr-defined]
    for thread in threads(posts):
        for post in thread.posts:
            read = gate.passages(post.text)
            for sentence in sentences(post.text):
                inside = any(begin <= sentence.start < end for begin, end in read)
                size = len(sentence.text)
                sizes = [
                    one + more
                    for one, more in zip(sizes, (1, inside, size, inside * size), strict=True)
                ]
    share, letters = sizes[1] / sizes[0], sizes[3] / sizes[2]
    print(f"gate     lets through {share:.2f} of the sentences, {letters:.2f} of the letters")


def peak() -> float:
    """The largest memory of this process so far, in MB; its own, not its parent's, if told."""
    status = Path("/proc/self/status")
    if status.exists():
        told = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(told.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def grown(name: str, posts: int, size: int) -> None:
    """Tell speed and the largest memory after so many posts of so many words, in one process."""
    started = time.perf_counter()
    claims = sum(len(found) for found in read(name, threads(posts, words=size), 1))
    spent = time.perf_counter() - started
    memory = peak()
    print(
        f"{name:8} {posts:7} posts: {posts / spent:7.1f} a second, {memory:5.0f} MB at most,",
        f"{claims} claims",
        flush=True,
    )


def resident() -> float:
    """The memory of this process now, in MB; the largest so far where it is not told."""
    status = Path("/proc/self/status")
    if not status.exists():
        return peak()
    told = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(told.split()[1]) / 1024


def long(name: str, posts: int) -> None:
    """Tell time and memory of each tenth of so many posts, and how they grow with a document."""
    engine, part = engines.load(name), max(posts // 10, 10)
    spent, claims, first = 0.0, 0, 0.0
    for number, thread in enumerate(threads(part * 10)):
        document = fresh(thread, number)
        started = time.process_time()
        claims += len(engine.extract(document))
        spent += time.process_time() - started
        if (number + 1) * 10 % part == 0:
            first = first or spent
            print(
                f"{name:8} {(number + 1) * 10:7} posts: {spent:6.1f} s of processor time for the",
                f"last tenth ({spent / first:.2f} of the first), {resident():4.0f} MB,",
                f"{peak():4.0f} at most, {claims} claims",
                flush=True,
            )
            spent = 0.0
    share = posts / LARGE
    for what, size, make in (
        ("posts in one thread", THREAD, one_thread),
        ("letters in one post", LETTERS, one_post),
    ):
        half, whole = (_read_in(engine, make(int(size * share / part))) for part in (2, 1))
        print(
            f"{name:8} {int(size * share):7} {what}: {whole:.1f} s, half of them {half:.1f}:",
            f"{whole / half:.2f} times; {peak():.0f} MB at most",
            flush=True,
        )


def _read_in(engine: engines.Engine, document: Thread) -> float:
    """Seconds of processor time that reading a document takes."""
    started = time.process_time()
    engine.extract(document)
    return time.process_time() - started


def main() -> None:
    """Read the arguments, extract, tell speed and memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int)
    parser.add_argument("--engine", choices=("offline", "fast"), help="only this one")
    parser.add_argument("--long", action="store_true", help="100,000 posts, a tenth at a time")
    parser.add_argument("--memory", action="store_true", help="only the memory, by short posts")
    parser.add_argument("--grown", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--words", type=int, default=WORDS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    names = (arguments.engine,) if arguments.engine else ("offline", "fast")
    if arguments.grown:
        grown(names[0], arguments.grown, arguments.words)
        return
    if arguments.long:
        long(arguments.engine or "fast", arguments.posts or LARGE)
        return
    if arguments.memory:
        for size in GROWING:
            alone(names[0], size, SHORT)
        return
    for name in names:
        compare(name, arguments.posts or POSTS)
    gated(arguments.posts or POSTS)
    for name in names:
        for size in (SMALL // 5, SMALL):
            alone(name, size, WORDS)


def alone(name: str, posts: int, size: int) -> None:
    """Read so many posts in a process of its own, so that they have their own largest memory."""
    command = [sys.executable, __file__, "--engine", name]
    subprocess.run([*command, "--grown", str(posts), "--words", str(size)], check=True)


if __name__ == "__main__":
    main()
