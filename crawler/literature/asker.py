"""Requests to literature services: each at its own pace, with keys that are kept nowhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from crawler.errors import CrawlerError
from crawler.fetch import Answer, NoAnswer, ask
from crawler.hosts import is_loopback, site_of
from crawler.literature import Service
from crawler.literature.answers import turned
from crawler.page import Page

__all__ = ["Asker", "Silent"]

TRIES = 3
LONGEST_WAIT = 120.0
"""Seconds; a service that asks for more is left alone for the rest of the run."""
BACKOFF = 2.0
"""Seconds before a second try after a failure, doubled each time."""


class Silent(CrawlerError):
    """A service that gave no answer to be read."""

    def __init__(self, why: str, *, for_good: bool = False) -> None:
        """`for_good` where there is no sense in asking it anything else now."""
        super().__init__(why)
        self.for_good = for_good


class Asker:
    """Asks services, one request at a time."""

    def __init__(
        self,
        agent: str,
        *,
        contact: str = "",
        environment: Mapping[str, str] | None = None,
        addresses: Mapping[str, str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`addresses` are of mirrors, by service; `environment` may hold keys."""
        self.agent = agent
        self.contact = contact
        self.environment = environment or {}
        self.addresses = addresses or {}
        self.asked = 0
        """Requests that were sent."""
        self._sleep, self._clock = sleep, clock
        self._free: dict[str, float] = {}

    def has_key(self, service: Service) -> bool:
        """Whether the environment holds the service's key."""
        return bool(service.key and self.environment.get(service.key, "").strip())

    def ask(self, service: Service, url: str) -> Page:
        """The answer to a request, read as text.

        A request to wait is obeyed and a failure tried again, a few times; raises Silent.
        """
        failure = ""
        for attempt in range(TRIES):
            try:
                answer = self._answer(service, url)
            except NoAnswer as error:
                failure = str(error)
                self._sleep(self._backoff(service, attempt))
                continue
            if answer.status == 200:
                return _page(url, answer)
            failure = self._refused(service, answer, attempt)
        raise Silent(f"{service.name}: {failure}")

    def _answer(self, service: Service, url: str) -> Answer:
        """The next answer, once it is the service's turn."""
        now = self._clock()
        wait = self._free.get(service.name, now) - now
        if wait > 0:
            self._sleep(wait)
        self.asked += 1
        try:
            return ask(self._sent(service, url), self.agent)
        finally:
            self._free[service.name] = self._clock() + self._interval(service)

    def _sent(self, service: Service, url: str) -> str:
        """The address as it is sent: that of a mirror where there is one, secrets added."""
        mirror = self.addresses.get(service.name, "").rstrip("/")
        if mirror and url.startswith(service.host):
            url = mirror + url.removeprefix(service.host)
        secrets = service.secrets(self.environment, self.contact)
        return turned(url, **secrets) if secrets else url

    def _interval(self, service: Service) -> float:
        mirror = self.addresses.get(service.name)
        if mirror and is_loopback(site_of(mirror)):
            return 0.0
        return service.pause(self.has_key(service), "@" in self.contact)

    def _refused(self, service: Service, answer: Answer, attempt: int) -> str:
        """Waits as the service asks, and says why there was no answer; raises Silent for a no."""
        said = f"answered with {answer.status}"
        if answer.status in (429, 503):
            self._sleep(self._asked_to_wait(service, answer, attempt))
        elif answer.status in (401, 403):
            way = f"; check {service.key}" if service.key else ""
            raise Silent(f"{service.name}: refuses ({answer.status}){way}", for_good=True)
        elif answer.status < 500:
            raise Silent(f"{service.name}: {said}")
        else:
            self._sleep(self._backoff(service, attempt))
        return said

    def _asked_to_wait(self, service: Service, answer: Answer, attempt: int) -> float:
        # Late: it brings Scrapy with it.
        from crawler.politeness import seconds_to_wait

        stated = seconds_to_wait(answer.headers.get("retry-after"), datetime.now(UTC))
        wait = self._backoff(service, attempt + 1) if stated is None else stated
        if wait > LONGEST_WAIT:
            raise Silent(f"{service.name}: asks to wait {wait:,.0f} seconds", for_good=True)
        return wait

    def _backoff(self, service: Service, attempt: int) -> float:
        """Seconds before the next try; none after the last one."""
        if attempt + 1 >= TRIES or not self._interval(service):
            return 0.0
        return float(BACKOFF * 2**attempt)


def _page(url: str, answer: Answer) -> Page:
    """The answer under the address without secrets, which may be kept and shown."""
    kind = answer.headers.get("content-type", "")
    return Page(
        url=url,
        text=answer.body.decode("utf-8-sig", "replace"),
        fetched=datetime.now(UTC),
        content_type=kind.partition(";")[0].strip().lower(),
        status=answer.status,
        headers=answer.headers,
    )
