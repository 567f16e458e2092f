"""A chat endpoint that speaks the dialect of OpenAI, local or hosted, through one small client.

It sends messages and gives back the text of the reply; it never spends more than it was allowed.
What is asked is `miner.questions`, what is made of the reply is `miner.answers`.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPMessage
from socket import gaierror
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from crawler.hosts import is_loopback, site_of
from miner.errors import MinerError

__all__ = [
    "BadEndpoint",
    "BudgetSpent",
    "Client",
    "Endpoint",
    "EndpointError",
    "NoReply",
    "Reply",
    "TooLong",
]

Message = Mapping[str, str]
Sleep = Callable[[float], object]

KEY = "FOLKGRADE_ENDPOINT_KEY"
"""Variable of the environment that holds the key; it may stand nowhere else."""
WAITS = (1.0, 3.0, 10.0)
"""Seconds before the second, third and fourth try, where the server says nothing else."""
LONGEST_WAIT = 120.0
"""A server that asks for more is left in peace until the next run."""
LARGEST = 4 * 2**20
"""Bytes of an answer that are read."""
REPLY = 2_000
"""Tokens a reply may have."""
FORMATS = ("json_schema", "json_object", "text")
"""Ways to ask for JSON, strictest first: LM Studio knows no `json_object`, others no schema."""
BUSY = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
CHARACTERS = 4
"""Of a token, about; counted only where the server does not say."""


class EndpointError(MinerError):
    """The endpoint cannot be used; asking on would be in vain."""


class BadEndpoint(EndpointError):
    """What the settings say of the endpoint cannot be."""


class BudgetSpent(EndpointError):
    """No more may be asked in this run."""


class NoReply(EndpointError):
    """One question was not answered; another may be."""


class TooLong(NoReply):
    """A question is longer than the model reads."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where to ask, what, and how much of it."""

    url: str
    """Base address, such as `http://localhost:11434/v1`."""
    model: str
    """Name of the model, as the server knows it."""
    key: str = field(default="", repr=False)
    patience: float = 120.0
    """Seconds an answer may take."""
    requests: int = 1_000
    """Most requests of a run, repeated ones counted."""
    tokens: int = 1_000_000
    """Most tokens of a run, both ways."""

    def __post_init__(self) -> None:
        """Raises BadEndpoint for what can be no endpoint."""
        parts = _parts(self.url)
        if parts is None:
            raise BadEndpoint(
                f"endpoint {self.url!r} is no address: write it as http://localhost:11434/v1"
            )
        if "@" in parts.netloc:
            raise BadEndpoint(f"endpoint {self.site}: a key stands in {KEY}, never in the address")
        if not self.model.strip():
            raise BadEndpoint(f"endpoint {self.site}: no model is named; set endpoint_model")
        if not (self.key.isascii() and (self.key.isprintable() or not self.key)):
            raise BadEndpoint(f"{KEY} holds something that can be no key; set it anew")

    @property
    def site(self) -> str:
        """Host and port."""
        return site_of(self.url)

    @property
    def is_local(self) -> bool:
        """Whether nothing that is asked leaves this machine."""
        return is_loopback(self.site)

    @property
    def address(self) -> str:
        """Where questions go."""
        parts = urlsplit(self.url)
        path = parts.path.rstrip("/")
        path = path if path.endswith("/chat/completions") else f"{path}/chat/completions"
        return parts._replace(path=path, fragment="").geturl()


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the model wrote."""

    text: str
    cut: bool = False
    """Whether it was not done when its tokens were used up."""


@dataclass(kw_only=True)
class Spent:
    """What a run has used so far."""

    requests: int = 0
    tokens: int = 0


class _Stays(HTTPRedirectHandler):
    """Follows no redirect: texts and key go to the address given, and nowhere else."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """None: the redirect comes back as an answer."""
        return


@dataclass(frozen=True, kw_only=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: str


class Client:
    """Asks an endpoint one question after the other. It learns which dialect the server takes."""

    def __init__(self, endpoint: Endpoint, sleep: Sleep = time.sleep) -> None:
        """Nothing is asked yet."""
        self.endpoint, self.sleep, self.spent = endpoint, sleep, Spent()
        self._opener = _opener(endpoint)
        self._met, self._format = False, 0
        self._limit, self._temperature = "max_tokens", True

    def ask(
        self, messages: Sequence[Message], schema: Mapping[str, Any], most: int = REPLY
    ) -> Reply:
        """The reply to some messages, if it can be as JSON of that schema.

        Raises NoReply or TooLong where this question cannot be answered, BudgetSpent where no more
        may be asked, and EndpointError where no question could be.
        """
        place, tries = self._format, 6
        while tries := tries - 1:
            body = self._body(messages, schema, FORMATS[place], most)
            answer = self._asked(body)
            if answer.status == 200:
                reply = self._reply(answer.body, len(body))
                self._format = place
                return reply
            said = self._said(answer)
            self._refuse_all(answer.status, said)
            if _is_too_long(answer.status, said):
                raise TooLong(f"{self.endpoint.site}: too long for the model ({said})")
            if not self._learns(said):
                if place + 1 == len(FORMATS):
                    break
                place += 1
        raise NoReply(f"{self.endpoint.site}: refused the question ({said})")

    def _body(
        self, messages: Sequence[Message], schema: Mapping[str, Any], form: str, most: int
    ) -> bytes:
        body: dict[str, Any] = {
            "model": self.endpoint.model,
            "messages": list(messages),
            "stream": False,
            self._limit: most,
        }
        if self._temperature:
            body["temperature"] = 0
        if form == "json_schema":
            named = {"name": "claims", "strict": True, "schema": schema}
            body["response_format"] = {"type": form, "json_schema": named}
        elif form == "json_object":
            body["response_format"] = {"type": form}
        return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")

    def _asked(self, body: bytes) -> _Answer:
        """The answer, asked for again where the server is busy or the line breaks."""
        reason = ""
        for wait in (*WAITS, 0.0):
            pause = wait
            try:
                answer = self._sent(body)
            except (OSError, HTTPException) as error:
                reason = _cause(error)
                if not self._met and _is_nobody(error):
                    break
            else:
                self._met = True
                if answer.status not in BUSY:
                    return answer
                reason, pause = self._said(answer), self._wanted(answer) or wait
            if wait:
                self.sleep(pause)
        raise NoReply(f"{self.endpoint.site} does not answer ({reason}): is it running there?")

    def _wanted(self, answer: _Answer) -> float:
        """Seconds the server wants us to wait; BudgetSpent where that is too long."""
        asked = _seconds(answer.headers.get("retry-after", ""))
        if asked > LONGEST_WAIT:
            raise BudgetSpent(f"{self.endpoint.site} asks to come back in {asked:,.0f} s")
        return asked

    def _sent(self, body: bytes) -> _Answer:
        self._afford(body)
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.endpoint.key:
            headers["Authorization"] = f"Bearer {self.endpoint.key}"
        request = Request(self.endpoint.address, body, headers, method="POST")  # noqa: S310
        self.spent.requests += 1
        deadline = time.monotonic() + self.endpoint.patience
        try:
            with self._opener.open(request, timeout=self.endpoint.patience) as found:
                return _read(found, found.status, deadline)
        except HTTPError as error:
            with error:
                return _read(error, error.code, deadline)

    def _afford(self, body: bytes) -> None:
        """Raises BudgetSpent where this request would be one too many."""
        spent, may = self.spent, self.endpoint
        if spent.requests >= may.requests:
            raise BudgetSpent(f"the {may.requests:,} requests of a run are used up")
        if spent.tokens + len(body) // CHARACTERS > may.tokens:
            raise BudgetSpent(f"the {may.tokens:,} tokens of a run are used up")

    def _reply(self, body: str, asked: int) -> Reply:
        """What a completion says, its tokens counted; EndpointError for what is none."""
        reply, tokens = _completion(body)
        if reply is None:
            raise EndpointError(
                f"{self.endpoint.address} answers, but not as a chat endpoint does: "
                "is the address right? It mostly ends with /v1"
            )
        self.spent.tokens += tokens or (asked + len(reply.text)) // CHARACTERS
        return reply

    def _said(self, answer: _Answer) -> str:
        """The server's own words on what is wrong, on one line and without the key."""
        words = _words_of(answer.body) or f"status {answer.status}"
        if self.endpoint.key:
            words = words.replace(self.endpoint.key, "…")
        return "".join(letter if letter.isprintable() else " " for letter in words)[:200].strip()

    def _refuse_all(self, status: int, said: str) -> None:
        """Raises EndpointError where every other question would be refused likewise."""
        site, model = self.endpoint.site, self.endpoint.model
        if status in (401, 403):
            raise EndpointError(f"{site} wants another key ({said}): export {KEY}=…")
        if status == 402:
            raise EndpointError(f"{site} wants to be paid ({said})")
        if status in (404, 405, 410):
            raise EndpointError(
                f"{site} has no model {model!r} or nothing at that address ({said}): check "
                "endpoint_model and endpoint, which mostly ends with /v1"
            )
        if 300 <= status < 400:
            raise EndpointError(f"{site} leads elsewhere: write the final address as endpoint")

    def _learns(self, said: str) -> bool:
        """Whether the refusal names a setting that can be asked for in another way."""
        low = said.lower()
        if self._limit == "max_tokens" and "max_completion_tokens" in low:
            self._limit = "max_completion_tokens"
            return True
        if self._temperature and "temperature" in low:
            self._temperature = False
            return True
        return False


def _parts(url: str) -> Any:
    """The parts of a web address; None for what is none."""
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts if right and url.isascii() and url.isprintable() and " " not in url else None


def _opener(endpoint: Endpoint) -> OpenerDirector:
    """A proxy is for the world outside; this machine is asked without one."""
    return build_opener(_Stays, *([ProxyHandler({})] if endpoint.is_local else []))


def _read(found: Any, status: int, deadline: float) -> _Answer:
    """An answer in full; TimeoutError where it only trickles, HTTPException where it has no end."""
    body = bytearray()
    while some := found.read1(65_536):
        body += some
        if time.monotonic() > deadline:
            raise TimeoutError("timed out")
        if len(body) > LARGEST:
            raise HTTPException("an answer without end")
    wanted = found.headers.get("Content-Length", "")
    if wanted.isdigit() and len(body) < int(wanted):
        raise HTTPException("the answer broke off")
    headers = {name.lower(): value for name, value in found.headers.items()}
    return _Answer(status=status, headers=headers, body=body.decode("utf-8", "replace"))


def _is_nobody(error: Exception) -> bool:
    """Whether no server is at that address: none that is there would come by waiting."""
    reason = error.reason if isinstance(error, URLError) else error
    return isinstance(reason, (ConnectionRefusedError, gaierror))


def _cause(error: Exception) -> str:
    """Why nothing came, in a few words."""
    reason = error.reason if isinstance(error, URLError) else error
    return str(getattr(reason, "strerror", None) or reason or type(reason).__name__)[:200]


def _seconds(text: str) -> float:
    """Seconds of a Retry-After; 0 where it is a date or nothing."""
    return float(text) if re.fullmatch(r"\d{1,9}(\.\d+)?", text.strip()) else 0.0


def _words_of(body: str) -> str:
    """The message of an error, wherever servers put it."""
    try:
        found: Any = json.loads(body)
    except ValueError:
        return re.sub(r"<[^<>]*>|\s+", " ", body).strip()
    for name in ("error", "detail", "message"):
        if isinstance(found, dict) and found.get(name):
            found = found[name]
    if isinstance(found, dict):
        found = found.get("message") or found
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)


def _is_too_long(status: int, said: str) -> bool:
    low = said.lower()
    told = "context" in low and ("length" in low or "size" in low or "window" in low)
    return status == 413 or told or "too long" in low or "max_tokens must be at least" in low


def _completion(body: str) -> tuple[Reply | None, int]:
    """The reply of a completion and its tokens, as far as the server counts them."""
    if body.lstrip().startswith("data:"):
        return _streamed(body)
    try:
        data = json.loads(body)
        choice = data["choices"][0]
        text = _text(choice["message"].get("content"))
        reply = Reply(text=text, cut=choice.get("finish_reason") == "length")
    except (ValueError, LookupError, TypeError, AttributeError):
        return None, 0
    return reply, _count(data)


def _streamed(body: str) -> tuple[Reply | None, int]:
    """The same of a server that streams though it was asked not to."""
    texts, cut, tokens = [], False, 0
    for piece in _pieces(body):
        try:
            choice = piece["choices"][0] if piece["choices"] else {}
            texts.append(_text(choice.get("delta", {}).get("content")))
            cut = cut or choice.get("finish_reason") == "length"
        except (LookupError, TypeError, AttributeError):
            return None, 0
        tokens = _count(piece) or tokens
    return Reply(text="".join(texts), cut=cut), tokens


def _pieces(body: str) -> Iterator[Any]:
    for line in body.splitlines():
        data = line.removeprefix("data:").strip()
        if line.startswith("data:") and data != "[DONE]":
            try:
                yield json.loads(data)
            except ValueError:
                yield None


def _text(content: Any) -> str:
    """What was written: a text, parts of one, or the object itself."""
    if isinstance(content, list):
        return "".join(_text(some.get("text")) for some in content)
    if isinstance(content, dict):
        return json.dumps(content, ensure_ascii=False)
    return content if isinstance(content, str) else ""


def _count(data: Any) -> int:
    usage = data.get("usage") or {}
    count = usage.get("total_tokens") if isinstance(usage, dict) else 0
    return count if isinstance(count, int) and count > 0 else 0
