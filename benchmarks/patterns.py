"""Which patterns take more than their share on texts made to hurt: `python benchmarks/patterns.py`.

Every pattern that the crawler and the miner compile, while they read a small community, is run
over long texts of one piece repeated: letters, signs, and pieces of the pattern itself. Printed are
those whose time grows faster than the text, with the exponent. Exit 1 where one does.

Every pattern is searched for all over the text; where one is only tried at one place, or on a short
piece, the figure says more than can happen. So it is a list to look through, not a verdict.
"""

from __future__ import annotations

import argparse
import importlib
import math
import pkgutil
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

SIGNS = (
    *"aA1 \n\t.,-_()[]<>@/:\"'!?&*=é", "a ", "A ", "a.", "a, ", "1 ", "1.", "1-", "a-", "a_", "a'",
    ". ", "\n\n", " \n", "> ", "I ", "the ", "it was ", "and ", "not ",
)  # fmt: skip
LIMIT = 3.0
"""Seconds a text may take before it is given up."""
FROM = 0.02
"""Seconds from which on a time is worth comparing."""
STEEP = 1.35

Key = tuple[str, int]


def recorded() -> dict[Key, str]:
    """Pattern and flags of all that is compiled, with the module that does."""
    found: dict[Key, str] = {}
    original: Any = re._compile  # type: ignore[attr-defined]  # noqa: SLF001

    def compile_(pattern: Any, flags: Any) -> Any:
        made = original(pattern, flags)
        frame = sys._getframe(1)  # noqa: SLF001
        while frame is not None and Path(frame.f_code.co_filename).parent.name == "re":
            frame = frame.f_back  # type: ignore[assignment]
        name = frame.f_code.co_filename if frame else ""
        if isinstance(made.pattern, str) and name.startswith(str(ROOT)):
            found.setdefault((made.pattern, made.flags), str(Path(name).relative_to(ROOT)))
        return made

    re._compile = compile_  # type: ignore[attr-defined]  # noqa: SLF001
    for package in ("crawler", "miner"):
        for module in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    _read_something()
    re._compile = original  # type: ignore[attr-defined]  # noqa: SLF001
    return found


def _read_something() -> None:
    """Reads a few posts, so that what is compiled at the first use is compiled."""
    from datetime import UTC, datetime

    from crawler.documents import Article, Post, Source, Thread
    from crawler.privacy import pseudonymise
    from miner import conditions, promotions
    from miner.embed import load
    from miner.engines import load as engine

    when = datetime(2026, 1, 1, tzinfo=UTC)
    texts = (
        "Hi Mike, my name is Anna. I have had plantar fasciitis for 2 years; ice did nothing, but "
        "heel drops fixed it. My physio says it comes from sitting. Call 020 7946 0958.",
        "Has anyone tried a night splint? It made mine worse, and then that helped a lot. @bob99",
    )
    source = Source(url="https://f.example/1", site="f.example", fetched=when, engine="phpbb")
    posts = tuple(Post(id=str(n), number=n, text=t, author=f"m{n}") for n, t in enumerate(texts, 1))
    thread = pseudonymise(Thread(source=source, title="Sore heel?", posts=posts), b"k" * 32)
    article = Article(source=source, title="The heel", text="\n\n".join(texts))
    for name in ("fast", "offline"):
        reader = engine(name)
        found = reader.extract(thread)
        reader.extract(article)
    promotions.claims(article)
    encoder = load("tfidf")
    conditions.assign(found, thread, encoder.encode, conditions.with_own(()))


def pieces(pattern: str) -> Iterator[str]:
    """Pieces that may hurt: signs, and runs of letters of the pattern itself."""
    yield from SIGNS
    words = list(dict.fromkeys(re.findall(r"[A-Za-z]{2,}(?: [a-z]+)*", pattern)))
    for word in words[:6]:
        yield f"{word} "
        yield word


def _out_of_time(*_: object) -> None:
    raise TimeoutError


def taken(pattern: re.Pattern[str], text: str) -> float:
    """Seconds for all matches in the text; the limit where it takes longer."""
    signal.setitimer(signal.ITIMER_REAL, LIMIT)
    begun = time.process_time()
    try:
        for _ in pattern.finditer(text):
            pass
    except TimeoutError:
        return LIMIT
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return time.process_time() - begun


def steepness(pattern: re.Pattern[str], piece: str, length: int) -> tuple[float, float]:
    """Exponent with which the time grows, and the seconds at the length; 1 where it is short."""
    for size in (length // 4, length):
        short = (piece * size)[:size]
        for end in ("", "\x00"):
            now = taken(pattern, short + end)
            if now >= FROM:
                double = taken(pattern, (piece * size * 2)[: size * 2] + end)
                growth = math.log2(max(double, 1e-9) / now)
                if growth > STEEP or double >= LIMIT:
                    return growth, double
    return 1.0, 0.0


def main() -> None:
    """Prints the steep ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--length", type=int, default=20_000, help="characters of the longest text")
    parser.add_argument("--only", default="", help="modules whose path holds this")
    chosen = parser.parse_args()
    signal.signal(signal.SIGALRM, _out_of_time)
    steep = []
    known = recorded()
    for (pattern, flags), place in sorted(known.items(), key=lambda item: item[1]):
        if chosen.only not in place:
            continue
        compiled = re.compile(pattern, flags & ~re.DEBUG)
        worst = (1.0, 0.0, "")
        for piece in pieces(pattern):
            exponent, seconds = steepness(compiled, piece, chosen.length)
            if exponent > STEEP and (exponent, seconds) > worst[:2]:
                worst = exponent, seconds, piece
        if worst[2]:
            steep.append((*worst, place, pattern))
            print(
                f"{worst[0]:.2f} {worst[1]:6.2f}s {place} {worst[2]!r} {pattern[:110]!r}",
                flush=True,
            )
    print(f"{len(known)} patterns, {len(steep)} steep")
    sys.exit(bool(steep))


if __name__ == "__main__":
    main()
