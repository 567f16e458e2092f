"""The running account of one site's visit: what was read, stored and lost, and how it stands."""

from __future__ import annotations

import time
from collections import Counter, deque
from datetime import UTC, datetime

from crawler.documents import Article, Document, Thread
from crawler.report import SiteReport, Status

__all__ = ["Tally"]

WINDOW = 30.0
"""Seconds over which the rate is taken."""
_REPORTED = (
    "pages", "posts", "articles", "threads", "new", "changed", "unchanged", "withheld",
    "failures", "off_topic", "purged", "not_modified",
)  # fmt: skip


class Tally:
    """What a visit counts, and its status."""

    def __init__(self, site: str, started: datetime) -> None:
        """Nothing is counted yet; the visit runs."""
        self.site = site
        self.started = started
        self.counts: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.status: Status = "running"
        self.reason = ""
        self.url = ""
        self._open: dict[str, str] = {}
        """Threads at hand, and whether they were counted as new or changed."""
        self._waiting_until = 0.0
        self._paces: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])

    def wait(self, seconds: float) -> None:
        """Notes that the site asked to be left alone."""
        self._waiting_until = time.monotonic() + seconds

    def end(self, status: Status, reason: str) -> bool:
        """Notes how the visit ended; False where that is known already."""
        if self.status != "running":
            return False
        self.status, self.reason = status, reason
        return True

    def finish(self) -> None:
        """Notes how the visit ended, to judge by what it read."""
        failures = self.counts["failures"]
        lost: Status = "partial" if self.counts["read"] else "unreachable"
        most = self.reasons.most_common(1)
        pages = "1 page" if failures == 1 else f"{failures} pages"
        why = most[0][0] if most and not self.counts["read"] else f"{pages} could not be read"
        self.end(lost if failures else "ok", why if failures else "")

    def fails(self, reason: str) -> None:
        """Counts a page that could not be read."""
        self.counts["failures"] += 1
        self.reasons[reason] += 1

    def stored(self, document: Document, done: str) -> None:
        """Counts a document once, however many pieces it comes in."""
        url = document.source.url
        if isinstance(document, Article):
            self.counts["articles"] += 1
        if isinstance(document, Thread):
            self.counts["posts"] += len(document.posts)
            if url not in self._open:
                self.counts["threads"] += 1
        if done == "forgotten":
            self.counts["withheld"] += 1
        former = self._open.get(url)
        if done == "new" or (done == "changed" and former not in ("new", "changed")):
            self.counts[done] += 1
        if isinstance(document, Thread) and former not in ("new", "changed"):
            self._open[url] = done

    def closes(self, thread: str) -> None:
        """Notes that no further piece of a thread is to come."""
        self._open.pop(thread, None)

    def report(self, queued: int) -> SiteReport:
        """The account as it stands, with so many pages still to be asked for."""
        rate = self._rate()
        return SiteReport(
            site=self.site,
            started=self.started,
            finished=datetime.now(UTC),
            status=self.status,
            reason=self.reason,
            waiting=max(0.0, self._waiting_until - time.monotonic()),
            queued=queued,
            url=self.url,
            rate=rate,
            left=queued / rate if rate else None,
            reasons=tuple(self.reasons.most_common()),
            **{name: self.counts[name] for name in _REPORTED},
        )

    def _rate(self) -> float:
        """Pages a second over the last half minute."""
        now = time.monotonic()
        self._paces.append((now, self.counts["pages"]))
        while len(self._paces) > 2 and now - self._paces[0][0] > WINDOW:
            self._paces.popleft()
        since, pages = self._paces[0]
        return (self.counts["pages"] - pages) / (now - since) if now > since else 0.0
