"""Which patterns take more than their share on texts made to hurt: `python benchmarks/patterns.py`.

Every pattern of the tree is found: what is compiled while the modules are imported, what they
compile at first use, what stands in a call of `re`, and the patterns among the data. Each is run on
texts made of its own repeats (`benchmarks/backtracking.py`), of a megabyte if need be. Printed are
those whose time or steps grow faster than the text, with the exponent. Exit 1 where one does.

A pattern that is only ever tried at one place (`match`, `fullmatch`) is tried there and nowhere
else. With `--steps` nothing is timed: the steps of a model of the matcher are counted. `--keep`
does so and notes what was found linear in `benchmarks/linear.txt`, so that the tests need count the
steps of new patterns alone.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib
import inspect
import math
import pkgutil
import re
import signal
import sys
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.backtracking import COUNTING, STEEP, attacks, growth  # noqa: E402

PACKAGES = ("crawler", "miner", "dashboard", "console")
LIMIT = 3.0
"""Seconds a text may take before it is given up."""
FROM = 0.02
"""Seconds from which on a time is worth comparing."""
FUNCTIONS = (
    "compile",
    "search",
    "match",
    "fullmatch",
    "split",
    "findall",
    "finditer",
    "sub",
    "subn",
)
ONCE = ("match", "fullmatch")
"""Ways to try a pattern at one place."""
IMPORTED = ("crawler", "miner", "console")
"""The dashboard's pages are read, not imported: they run when they are."""


@dataclass(frozen=True)
class Found:
    """A pattern of the tree; `once` if it is only ever tried at one place."""

    pattern: str
    flags: int
    place: str
    once: bool = False


class Net:
    """Keeps what is compiled by modules of the tree while it is spread."""

    def __init__(self) -> None:
        """Empty."""
        self.found: dict[tuple[str, int], Found] = {}
        self.named = _named()

    @contextmanager
    def spread(self) -> Iterator[None]:
        """Notes every pattern that is compiled inside."""
        original: Any = re._compile  # type: ignore[attr-defined]  # noqa: SLF001

        def compile_(pattern: Any, flags: Any) -> Any:
            made = original(pattern, flags)
            frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
            way = frame.f_code.co_name if frame else ""
            while frame is not None and Path(frame.f_code.co_filename).parent.name == "re":
                frame = frame.f_back
            if frame is not None and frame.f_code.co_filename.startswith(str(ROOT)):
                name = Path(frame.f_code.co_filename).relative_to(ROOT).as_posix()
                self.note(made, way, name, frame.f_lineno)
            return made

        re._compile = compile_  # type: ignore[attr-defined]  # noqa: SLF001
        try:
            yield
        finally:
            re._compile = original  # type: ignore[attr-defined]  # noqa: SLF001

    def note(self, made: re.Pattern[Any], way: str, name: str, line: int) -> None:
        """Keeps a pattern; one that is searched for anywhere is tried everywhere."""
        if not name.startswith(PACKAGES):
            return
        raw = made.pattern
        text, flags = (
            (raw, made.flags)
            if isinstance(raw, str)
            else (raw.decode("latin-1"), made.flags | re.ASCII)
        )
        once = way in ONCE or (way == "compile" and self.named.get((name, line), False))
        old = self.found.get((text, flags))
        self.found[text, flags] = Found(
            pattern=text,
            flags=flags,
            place=f"{name}:{line}",
            once=once and (old is None or old.once),
        )


@cache
def _trees() -> dict[str, ast.Module]:
    """Every module that speaks of patterns or remembers something, by its name."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            if re.search(r"\bre\.|cache", text):
                found[path.relative_to(ROOT).as_posix()] = ast.parse(text)
    return found


def _named() -> dict[tuple[str, int], bool]:
    """Where constants are compiled, and whether each is tried at one place alone."""
    found = {}
    for name, tree in _trees().items():
        for node in tree.body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                if ast.unparse(node.value.func) == "re.compile" and isinstance(target, ast.Name):
                    once = target.id.startswith("_") and _tried_once(tree, target.id)
                    found.update(dict.fromkeys(((name, n) for n in _lines(node)), once))
    return found


def _lines(node: ast.stmt) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _tried_once(tree: ast.Module, name: str) -> bool:
    """Whether every use of a constant of a module is a `match` or a `fullmatch`."""
    uses = tries = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == name:
            uses += isinstance(node.ctx, ast.Load)
        elif isinstance(node, ast.Attribute) and node.attr in ONCE:
            tries += isinstance(node.value, ast.Name) and node.value.id == name
    return 0 < uses == tries


def collected() -> list[Found]:
    """Every pattern of the tree that can be found, in the order of their places."""
    net = Net()
    with net.spread():
        modules = list(_imported())
        _read_something()
        for module in modules:
            _use_caches(module)
        _written_out(net)
    whole = "\n".join(found.pattern for found in net.found.values())
    for place, text in _data():
        if text not in whole and (made := _compiled(text)):
            net.found.setdefault((text, made.flags), Found(text, made.flags, place))
    return sorted(net.found.values(), key=lambda found: (found.place, found.pattern))


def _imported() -> Iterator[ModuleType]:
    for package in IMPORTED:
        for module in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
            if not module.name.endswith("__main__"):
                yield importlib.import_module(module.name)


def _use_caches(module: ModuleType) -> None:
    """Calls what a module remembers: without arguments, or with those that stand in its calls."""
    tree = _trees().get(module.__name__.replace(".", "/") + ".py")
    for name, function in list(vars(module).items()):
        if not hasattr(function, "cache_info") or function.__module__ != module.__name__:
            continue
        said = inspect.signature(function)
        if re.search(r"Encoder|Tagger|Model|Mined", str(said.return_annotation)):
            continue
        for given in _arguments(tree, name) if said.parameters else [()]:
            with suppress(Exception):
                function(*given)


def _arguments(tree: ast.Module | None, name: str) -> Iterator[tuple[Any, ...]]:
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            with suppress(ValueError):
                yield tuple(ast.literal_eval(each) for each in node.args)


def _written_out(net: Net) -> None:
    """Notes the patterns that stand as they are in calls of `re`."""
    for name, tree in _trees().items():
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if ast.unparse(node.func.value) != "re" or node.func.attr not in FUNCTIONS:
                continue
            flags = [*node.args[1:], *(k.value for k in node.keywords)]
            with suppress(ValueError, re.error, IndexError):
                made = re.compile(ast.literal_eval(node.args[0]), _flags(flags))
                net.note(made, node.func.attr, name, node.lineno)


def _flags(nodes: list[ast.expr]) -> int:
    letters = re.findall(r"\bre\.([A-Z]+)\b", " ".join(map(ast.unparse, nodes)))
    found = re.RegexFlag(0)
    for letter in letters:
        found |= re.RegexFlag[letter]
    return found.value


def _data() -> Iterator[tuple[str, str]]:
    """The texts in the packages' data that are written as patterns."""

    def texts(node: Any) -> Iterator[str]:
        if isinstance(node, str):
            yield node
        elif isinstance(node, dict | list):
            for each in node.values() if isinstance(node, dict) else node:
                yield from texts(each)

    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.toml")):
            for text in texts(tomllib.loads(path.read_text(encoding="utf-8"))):
                if re.search(r"\\[bBdDsSwW]|\(\?|[\])\w][*+]|\]\{", text):
                    yield path.relative_to(ROOT).as_posix(), text


def _compiled(text: str) -> re.Pattern[str] | None:
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error:
        return None


def _read_something() -> None:
    """Reads a few posts, so that what is compiled at the first use is compiled."""
    from datetime import UTC, datetime

    from crawler.documents import Article, Post, Source, Thread
    from crawler.privacy import pseudonymise
    from miner import promotions
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
    reader = engine("fast")
    reader.extract(thread)
    reader.extract(article)
    promotions.claims(article)


LINEAR = Path(__file__).with_name("linear.txt")


def digest(found: Found) -> str:
    """What names a pattern, how it is tried, and the way its steps are counted."""
    said = f"{COUNTING} {found.flags} {found.once} {found.pattern}"
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def steep_ones(known: Iterable[Found], most: int | None = None) -> Iterator[str]:
    """A line for each pattern whose steps grow faster than the text."""
    for found in known:
        exponent, (begin, piece, _) = growth(found.pattern, found.flags, once=found.once, most=most)
        if exponent > STEEP:
            yield f"{exponent:.2f} {found.place} {begin!r} {piece!r} {found.pattern[:110]!r}"


def _out_of_time(*_: object) -> None:
    raise TimeoutError


def taken(tried: Callable[[str], object], text: str) -> float:
    """Seconds for all matches in the text; the limit where it takes longer."""
    signal.setitimer(signal.ITIMER_REAL, LIMIT)
    begun = time.process_time()
    try:
        found = tried(text)
        if isinstance(found, Iterator):
            for _ in found:
                pass
    except TimeoutError:
        return LIMIT
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return time.process_time() - begun


def steepness(found: Found, length: int) -> tuple[float, float, str]:
    """Exponent with which the time grows, seconds at the length, and the piece."""
    pattern = re.compile(found.pattern, found.flags & ~re.DEBUG)
    tried = pattern.match if found.once else pattern.finditer
    worst = (1.0, 0.0, "")
    for begin, piece, end in attacks(found.pattern, found.flags):
        size = 1000
        while size < length:
            now = taken(tried, begin + (piece * size)[:size] + end)
            if now >= FROM:
                double = taken(tried, begin + (piece * size * 2)[: size * 2] + end)
                grown = math.log2(max(double, 1e-9) / now) if double < LIMIT else math.inf
                worst = max(worst, (grown, double, piece))
                break
            size *= 4
    return worst


def timed(known: Iterable[Found], length: int) -> Iterator[str]:
    """A line for each pattern whose time grows faster than the text."""
    for found in known:
        exponent, seconds, piece = steepness(found, length)
        if exponent > STEEP:
            yield f"{exponent:.2f} {seconds:6.2f}s {found.place} {piece!r} {found.pattern[:110]!r}"


def main() -> None:
    """Prints the steep ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--length", type=int, default=1_000_000, help="characters of the longest")
    parser.add_argument("--only", default="", help="places that hold this")
    parser.add_argument("--steps", action="store_true", help="count steps instead of time")
    parser.add_argument("--keep", action="store_true", help="count, and note the linear ones")
    parser.add_argument("--new", action="store_true", help="count those that are not noted")
    parser.add_argument("--most", type=int, help="texts a pattern that are counted; else all")
    chosen = parser.parse_args()
    signal.signal(signal.SIGALRM, _out_of_time)
    sys.setrecursionlimit(20_000)
    known = [found for found in collected() if chosen.only in found.place]
    noted = set(LINEAR.read_text("ascii").split()) if chosen.new and LINEAR.exists() else set()
    asked = [found for found in known if digest(found) not in noted]
    counted = chosen.steps or chosen.keep or chosen.new
    steep = 0
    for line in steep_ones(asked, chosen.most) if counted else timed(asked, chosen.length):
        steep += 1
        print(line, flush=True)
    print(f"{len(known)} patterns, {len(asked)} tried, {steep} steep")
    if chosen.keep and not steep:
        LINEAR.write_text("\n".join(sorted(map(digest, known))) + "\n", encoding="ascii")
    sys.exit(bool(steep))


if __name__ == "__main__":
    main()
