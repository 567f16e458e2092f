"""Answers of servers as they came, kept so that a better engine can read old crawls again.

Names are in them. So they lie in a file of their own, compressed and then encrypted under the
project's key, and leave it only for an engine. Not a cache: what may be asked for again is
the frontier's matter.
"""

from __future__ import annotations

import hmac
import json
import logging
import os
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crawler.disk import address_to_read, writable
from crawler.errors import KeyFileError, StoreError
from crawler.page import Page
from crawler.sites import site_of

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["RawPages"]

log = logging.getLogger(__name__)

_TABLES = """
CREATE TABLE IF NOT EXISTS bodies (digest BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL UNIQUE, site TEXT NOT NULL,
    head BLOB NOT NULL, body BLOB NOT NULL REFERENCES bodies (digest));
CREATE INDEX IF NOT EXISTS pages_by_body ON pages (body);
CREATE INDEX IF NOT EXISTS pages_by_site ON pages (site, id);
CREATE TABLE IF NOT EXISTS asked (key BLOB PRIMARY KEY, page BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""
"""`key` and `digest` are keyed digests of an address and a body; `head` and `body` are sealed."""
_SOME = """
SELECT id, key, head, pages.body, bodies.body FROM pages JOIN bodies ON digest = pages.body
WHERE id > :after AND (:site IS NULL OR site = :site) ORDER BY id LIMIT :most
"""
_BATCH = 50
"""Pages read from the file at once; a body may be megabytes."""
_LARGEST = 128 * 2**20
"""Bytes of one body once unpacked; nothing larger was ever kept."""
_NONCE = 12


class RawPages:
    """The kept answers of a project, the latest of each address."""

    def __init__(self, path: Path, key: bytes) -> None:
        """Opens the file, made with mode 600 at first use.

        `key` is that of the pseudonyms. Raises StoreError; KeyFileError where another
        sealed the file.
        """
        self.path = path
        self._digests = _derived(key, b"digests")
        self._seal = AESGCM(_derived(key, b"bodies"))
        with self._explained():
            self._base = _opened(path)
        self._check_key()

    def __enter__(self) -> RawPages:
        """Itself; leaving the block closes it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the file."""
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._base.close()

    def __len__(self) -> int:
        """How many addresses have an answer here."""
        return int(self._one("SELECT count(*) FROM pages"))

    def __contains__(self, url: object) -> bool:
        """Whether there is an answer of this address, or to it."""
        return isinstance(url, str) and self._led(url) is not None

    @property
    def size(self) -> int:
        """Bytes on disk."""
        sides = (self.path, self.path.with_name(f"{self.path.name}-wal"))
        return sum(side.stat().st_size for side in sides if side.exists())

    def keep(self, page: Page, asked: str | None = None) -> None:
        """Keeps an answer in place of the former one of its address.

        `asked` is the address that was asked for, where a redirect led to another.
        """
        key = self._digest(page.url)
        text = page.text.encode("utf-8", "surrogatepass")
        body = hmac.digest(self._digests, b"body" + text, "sha256")
        with self._explained(), self._base:
            known = self._one("SELECT 1 FROM bodies WHERE digest = ?", body)
            if not known:
                sealed = self._sealed(zstd.compress(text), body)
                self._base.execute("INSERT INTO bodies VALUES (?, ?)", (body, sealed))
            former = self._one("SELECT body FROM pages WHERE key = ?", key)
            # With a new number: what was kept last is read last, and so has the last word.
            self._base.execute("DELETE FROM pages WHERE key = ?", (key,))
            self._base.execute(
                "INSERT INTO pages (key, site, head, body) VALUES (?, ?, ?, ?)",
                (key, site_of(page.url), self._sealed(_head(page), key), body),
            )
            if former is not None and former != body:
                self._sweep([former])
            if asked is not None and asked != page.url:
                known_as = (self._digest(asked), key)
                self._base.execute("INSERT OR REPLACE INTO asked VALUES (?, ?)", known_as)

    def pages(self, site: str | None = None, after: int = 0) -> Iterator[Page]:
        """The latest answer of each address, one at a time, in the order they were kept."""
        return (page for _, page in self.numbered(site, after))

    def numbered(self, site: str | None = None, after: int = 0) -> Iterator[tuple[int, Page]]:
        """As `pages`, with the number that `after` takes to go on behind a page.

        A damaged answer is passed over with a warning.
        """
        while True:
            with self._explained():
                values = {"after": after, "site": site, "most": _BATCH}
                rows = self._base.execute(_SOME, values).fetchall()
            for number, key, head, digest, body in rows:
                try:
                    yield number, self._page(key, head, digest, body)
                except (InvalidTag, ValueError, KeyError, zstd.ZstdError):
                    log.warning("kept page %d is damaged and was passed over", number)
            if len(rows) < _BATCH:
                return
            after = rows[-1][0]

    def some(self, urls: Iterable[str]) -> Iterator[Page]:
        """The latest answers of those addresses that have one."""
        keys = {key for url in urls if (key := self._led(url)) is not None}
        for key in sorted(keys):
            number = self._one("SELECT id FROM pages WHERE key = ?", key)
            if number is not None:
                yield from (page for _, page in islice(self.numbered(after=number - 1), 1))

    def count(self, site: str | None = None, after: int = 0) -> int:
        """How many pages `pages` would give."""
        query = "SELECT count(*) FROM pages WHERE id > ? AND (? IS NULL OR site = ?)"
        return int(self._one(query, after, site, site))

    def drop(self, urls: Iterable[str]) -> int:
        """How many answers went, of pages that had or were asked for under these addresses."""
        gone = 0
        with self._explained():
            with self._base:
                for url in urls:
                    while (key := self._led(url)) is not None:
                        gone += self._drop(key)
            if gone:
                # What was dropped must not linger in the log.
                self._base.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return gone

    def mark(self, name: str) -> str | None:
        """What was noted under that name."""
        found = self._one("SELECT value FROM marks WHERE name = ?", name)
        return None if found is None else bytes(found).decode()

    def note(self, name: str, value: str | None) -> None:
        """Notes a word for later, such as how far a second reading came; None takes it away."""
        with self._explained(), self._base:
            if value is None:
                self._base.execute("DELETE FROM marks WHERE name = ?", (name,))
            else:
                row = (name, value.encode())
                self._base.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", row)

    def _led(self, url: str) -> bytes | None:
        """Key of the answer of an address, or of the one it led to; None where there is none."""
        key = self._digest(url)
        if self._one("SELECT 1 FROM pages WHERE key = ?", key):
            return key
        led = self._one("SELECT page FROM asked WHERE key = ?", key)
        return None if led is None else bytes(led)

    def _drop(self, key: bytes) -> int:
        body = self._one("SELECT body FROM pages WHERE key = ?", key)
        self._base.execute("DELETE FROM asked WHERE page = ?", (key,))
        if body is None:
            return 0
        self._base.execute("DELETE FROM pages WHERE key = ?", (key,))
        self._sweep([body])
        return 1

    def _sweep(self, bodies: Iterable[bytes]) -> None:
        """Deletes those bodies that no page has any more."""
        unused = "NOT EXISTS (SELECT 1 FROM pages WHERE pages.body = digest)"
        for body in bodies:
            self._base.execute(f"DELETE FROM bodies WHERE digest = ? AND {unused}", (body,))  # noqa: S608

    def _page(self, key: bytes, head: bytes, digest: bytes, body: bytes) -> Page:
        values = json.loads(self._opened(head, key))
        text = zstd.ZstdDecompressor().decompress(self._opened(body, digest), _LARGEST)
        return Page(
            url=values["url"],
            text=text.decode("utf-8", "surrogatepass"),
            fetched=datetime.fromisoformat(values["fetched"]),
            content_type=values["content_type"],
            status=values["status"],
            headers=values["headers"],
        )

    def _check_key(self) -> None:
        """Raises KeyFileError where another key sealed the file."""
        with self._explained():
            found = self._one("SELECT value FROM marks WHERE name = 'key'")
        if found is None:
            with self._explained(), self._base:
                row = ("key", self._sealed(b"folkgrade", b"key"))
                self._base.execute("INSERT OR IGNORE INTO marks VALUES (?, ?)", row)
            return
        try:
            self._opened(found, b"key")
        except InvalidTag:
            self.close()
            raise KeyFileError(
                f"{self.path}: sealed with another key than the project's; restore that key from a "
                "copy (another one gives every member a second pseudonym)"
            ) from None

    def _one(self, query: str, *values: Any) -> Any:
        with closing(self._base.execute(query, values)) as found:
            row = found.fetchone()
        return None if row is None else row[0]

    def _digest(self, url: str) -> bytes:
        return hmac.digest(self._digests, b"url" + url.encode("utf-8", "surrogatepass"), "sha256")

    def _sealed(self, plain: bytes, name: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._seal.encrypt(nonce, plain, name)

    def _opened(self, sealed: bytes, name: bytes) -> bytes:
        return self._seal.decrypt(sealed[:_NONCE], sealed[_NONCE:], name)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turns what the file answers into a StoreError of one clear line."""
        try:
            yield
        except sqlite3.Error as error:
            cause = f"{error}; free it, or delete it: the pages can be collected again"
            raise StoreError(f"{self.path}: the kept pages cannot be used ({cause})") from error
        except OSError as error:
            cause = error.strerror or str(error)
            raise StoreError(f"{self.path}: the kept pages cannot be used ({cause})") from error


def _opened(path: Path) -> sqlite3.Connection:
    """The file with its tables; one that may only be read as it is."""
    if path.exists() and not writable(path):
        return sqlite3.connect(address_to_read(path), uri=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    base = sqlite3.connect(path, timeout=30)
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "secure_delete=ON"):
        base.execute(f"PRAGMA {pragma}")
    base.executescript(_TABLES)
    return base


def _derived(key: bytes, purpose: bytes) -> bytes:
    """A key of 32 bytes for one purpose; it tells nothing of the project's key."""
    made = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"folkgrade raw pages " + purpose)
    return made.derive(key)


def _head(page: Page) -> bytes:
    values = {
        "url": page.url,
        "fetched": page.fetched.isoformat(),
        "content_type": page.content_type,
        "status": page.status,
        "headers": dict(page.headers),
    }
    return json.dumps(values).encode()
