"""Posts of saved forum pages: `python benchmarks/pages.py PAGES_DIR OUT.jsonl [--engine NAME]`.

Reads a folder of saved pages, `*.json` with `url` and `html` (and `fetched` where it is known), or
plain `*.html`. Writes one line a page, {"url", "posts": [{"text", "author", "written"}]}, with
members as the page names them, before any pseudonym. A page that cannot be read is a line without
posts.

The labels of WEB-FORUM-52 count all that stands in a post: lines it quotes, code, a signature drawn
into the text. Engines leave these out, so they are put back in their place here; `--own` writes the
author's own words alone. They name a member by the address the name leads to, as it stands in the
page, and by the name where it leads nowhere; so is it here, and `--names` writes the names.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from crawler import clean, engines
from crawler.documents import Thread
from crawler.engines import markup
from crawler.page import Page

ADDRESS = re.compile(
    r"<link[^>]+rel=[\"']?canonical[^>]+href=[\"']([^\"']+)|og:url[\"'][^>]+content=[\"']([^\"']+)",
    re.I,
)
STAMPS = re.compile(r"20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?=T|\s\d\d:)")


def saved_pages(folder: Path) -> Iterator[Page]:
    """The pages of a folder in the order of their names; one without markup is empty."""
    for path in sorted(p for p in folder.rglob("*") if p.suffix in (".json", ".html", ".htm")):
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.suffix != ".json":
            found = ADDRESS.search(text)
            url = (found[1] or found[2]) if found else f"https://saved.example/{path.name}"
            yield Page(url=url, text=text, fetched=visit({}, text, path))
            continue
        try:
            saved = json.loads(text)
        except ValueError:
            saved = None
        if not isinstance(saved, dict):
            yield Page(url=f"https://saved.example/{path.name}", text="", fetched=datetime.now(UTC))
            continue
        html = str(saved.get("html") or "")
        yield Page(url=str(saved.get("url")), text=html, fetched=visit(saved, html, path))


def visit(saved: dict[str, Any], html: str, path: Path) -> datetime:
    """When the page was fetched: as stated, else the newest full date in its source.

    That is the day of the newest post or a little later. Without one it is the file's date.
    """
    kept = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    for key in ("fetched", "retrieved", "crawled", "date"):
        try:
            stated = datetime.fromisoformat(str(saved.get(key)))
        except ValueError:
            continue
        return stated if stated.tzinfo else stated.replace(tzinfo=UTC)
    days = [day for day in STAMPS.findall(html) if day <= kept.date().isoformat()]
    if not days:
        return kept
    return datetime.fromisoformat(f"{max(days)}T23:59:00+00:00")


def posts_of(page: Page, name: str | None, *, names: bool) -> tuple[str, list[dict[str, Any]]]:
    """The engine that read the page and the posts it found."""
    cleaned = Page(url=page.url, text=clean.markup(page.text), fetched=page.fetched)
    chosen = name or engines.choose(cleaned)
    if chosen is None:
        return "none", []
    threads = [d for d in engines.read(page, chosen).documents if isinstance(d, Thread)]
    posts = [post for thread in threads for post in thread.posts]
    led = {} if names else profiles(cleaned.text)
    return chosen, [
        {
            "text": post.text,
            "author": led.get(post.author or "", post.author),
            "written": post.written and post.written.isoformat(),
        }
        for post in posts
    ]


def profiles(text: str) -> dict[str, str]:
    """Where each linked name of a page leads, as written there; the first link of a name counts."""
    tree = markup.tree_of(text)
    found: dict[str, str] = {}
    for link in tree.iter("a") if tree is not None else ():
        address, name = link.get("href") or "", markup.text_of(link)
        if name and address and not address.startswith(("#", "javascript:")):
            found.setdefault(name, address)
    return found


def main() -> None:
    """Writes the predictions and prints pages, posts and seconds of each engine."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pages", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--engine", help="read every page with this engine, not the surest")
    parser.add_argument("--own", action="store_true", help="own words, without quotes and code")
    parser.add_argument("--names", action="store_true", help="names, not where they lead")
    args = parser.parse_args()
    with nullcontext() if args.own else markup.quotes_in_place():
        write(args.pages, args.out, args.engine, names=args.names)


def write(folder: Path, target: Path, name_of_all: str | None, *, names: bool) -> None:
    """Reads the pages of a folder and writes the predictions."""
    counts: dict[str, Counter[str]] = {}
    slowest = (0.0, "")
    with target.open("w", encoding="utf-8") as out:
        for page in saved_pages(folder):
            before = time.perf_counter()
            try:
                name, posts = posts_of(page, name_of_all, names=names)
            except Exception as error:  # a benchmark goes on; the page counts as nothing read
                name, posts = "failed", []
                print(f"{page.url}: {type(error).__name__}: {error}", file=sys.stderr)
            took = time.perf_counter() - before
            slowest = max(slowest, (took, page.url))
            count = counts.setdefault(name, Counter())
            count.update(
                pages=1,
                posts=len(posts),
                named=sum(post["author"] is not None for post in posts),
                dated=sum(post["written"] is not None for post in posts),
                empty=not posts,
                ms=round(1000 * took),
            )
            out.write(json.dumps({"url": page.url, "posts": posts}, ensure_ascii=False) + "\n")
    for name, count in sorted(counts.items()):
        print(
            f"{name:14} {count['pages']:4} pages {count['posts']:6} posts"
            f" {count['named']:6} named {count['dated']:6} dated"
            f" {count['empty']:4} without any {count['ms'] / count['pages']:7.0f} ms a page"
        )
    print(f"slowest: {slowest[0]:.1f} s {slowest[1]}")


if __name__ == "__main__":
    main()
