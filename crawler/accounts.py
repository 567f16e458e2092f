"""Accounts at interfaces that ask for one: secrets in, headers of a site out.

Reddit answers applications alone (`REDDIT_CLIENT_ID`, `REDDIT_CLIENT_SECRET`), Stack Exchange lets
those with a key ask more often (`STACK_EXCHANGE_KEY`). The secrets come from the environment, stay
in memory, and travel as headers: an address is stored, a header is not.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from http.client import HTTPException
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from crawler.errors import CrawlerError, RefusedByPolicy
from crawler.sites import is_loopback, site_of

__all__ = ["ACCOUNTS", "AccountRefused", "BadHeader", "filled", "headers_for"]

_REDDIT = ("REDDIT_CLIENT_ID", "REDDIT_CLIENT_SECRET")
ACCOUNTS: Mapping[str, str] = {
    "oauth.reddit.com": " and ".join(_REDDIT),
    "api.stackexchange.com": "STACK_EXCHANGE_KEY",
}
"""Hosts that know accounts, and the variables of the environment that hold ours."""
TOKENS = "https://www.reddit.com/api/v1/access_token"
"""Where Reddit gives an application a token; it is good for a day."""
SECONDS = 30
MOST_BYTES = 64 * 1024


class AccountRefused(RefusedByPolicy):
    """An interface wants an account and has none of ours, or does not take it."""


class BadHeader(CrawlerError, ValueError):
    """A header in the settings cannot be used; the message begins with its name."""


def headers_for(
    url: str, environment: Mapping[str, str], user_agent: str, *, tokens: str = TOKENS
) -> dict[str, str]:
    """Headers for a site that begins at this address; none where its host wants no account.

    Asks Reddit for a token, good for a day. Raises AccountRefused where Reddit has to be asked
    without an account, or does not take ours. Stack Exchange may be asked without a key.
    """
    host = site_of(url)
    key = environment.get("STACK_EXCHANGE_KEY", "").strip()
    if host == "api.stackexchange.com" and key:
        return {"X-API-Key": key}
    if host != "oauth.reddit.com":
        return {}
    pair = [environment.get(name, "").strip() for name in _REDDIT]
    if not all(pair):
        raise AccountRefused(
            f"{host} answers applications only; set {ACCOUNTS[host]} in the environment, "
            "or read a dump of Reddit (folkgrade import)"
        )
    return {"Authorization": f"bearer {_token(':'.join(pair), user_agent, tokens)}"}


SECRET_HEADERS = {"authorization", "cookie", "proxy-authorization", "x-api-key", "api-key"}
"""Never written out in settings."""
_VARIABLE = re.compile(r"\$\{(\w+)\}")


def filled(headers: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Headers whose `${NAME}` stand for variables, filled in: no secret lies in the settings.

    Raises BadHeader for a secret that is written out, and for a variable that is not set.
    """
    for name, text in headers.items():
        if name.lower() in SECRET_HEADERS and "${" not in text:
            raise BadHeader(
                f"{name}: a secret does not belong here; write "
                f'{name} = "${{MY_VARIABLE}}" and set the variable'
            )
        for variable in _VARIABLE.findall(text):
            if variable not in environment:
                raise BadHeader(f"{name}: the variable {variable} is not set; export {variable}=…")
    return {
        name: _VARIABLE.sub(lambda found: environment[found[1]], text)
        for name, text in headers.items()
    }


def _token(pair: str, user_agent: str, tokens: str) -> str:
    """A token for an application without a member; raises AccountRefused."""
    if urlsplit(tokens).scheme != "https" and not is_loopback(site_of(tokens)):
        raise AccountRefused("the account of Reddit is sent over https only")
    request = Request(  # noqa: S310
        tokens,
        data=urlencode({"grant_type": "client_credentials"}).encode(),
        headers={
            "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
            "User-Agent": user_agent,
        },
    )
    try:
        with build_opener(_Here).open(request, timeout=SECONDS) as given:
            found = json.loads(given.read(MOST_BYTES))
    except HTTPError as error:
        raise AccountRefused(f"Reddit does not take the account ({error.code}); check it") from None
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        name = type(error).__name__
        raise AccountRefused(f"Reddit gives no token ({name}); try again later") from None
    token = found.get("access_token") if isinstance(found, dict) else None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
        raise AccountRefused("Reddit gives no token for the account; check it")
    return token


class _Here(HTTPRedirectHandler):
    """Follows nothing: a secret goes to the host it is meant for alone."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        """No further request."""
        return None
