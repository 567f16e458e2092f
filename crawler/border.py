"""The border of a site: nobody beyond it is asked for anything, nor told what is the site's own.

It stands before Scrapy's robots.txt, since asking a host for its rules is asking it already: a
forum that redirects into the network of whoever crawls it would reach there else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response, TextResponse
from w3lib.encoding import html_body_declared_encoding, http_content_type_encoding

from crawler.decode import character_set
from crawler.sites import site_of

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

__all__ = ["CHARSETS", "PLACE", "Astray", "Border", "Charsets"]

PLACE = 50
"""Among the downloader middlewares: before robots.txt (100), and before what sets headers that a
request lacks (from 300), so that those taken away here are the usual ones again."""
CHARSETS = 585
"""Among them too: what is unpacked (590) passes it before anything reads it (580)."""


class Astray(IgnoreRequest):
    """A redirect leads off the site."""


class Border:
    """Downloader middleware that every request passes first, after each redirect again."""

    def __init__(self, crawler: Crawler) -> None:
        """Asks the crawler's spider about sites."""
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Border:
        """How Scrapy makes one."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Gives a request what its host may see; raises Astray where it leaves the site.

        A robots.txt that does so ends the visit: then nothing is known to be allowed.
        """
        spider: Any = self.crawler.spider
        if spider.is_astray(request):
            reason = f"leads off the site, to {site_of(request.url)}"
            if request.meta.get("dont_obey_robotstxt"):
                spider.end(request, "unreachable", f"robots.txt {reason}")
            raise Astray(reason)
        spider.equip(request)


class Charsets:
    """Downloader middleware that reads an answer in no codec that is not a character set."""

    def process_response(self, request: Request, response: Response) -> Response:
        """The answer; as UTF-8 where its header or its first lines name something else."""
        if not isinstance(response, TextResponse):
            return response
        header = (response.headers.get("Content-Type") or b"").decode("latin-1")
        named = (http_content_type_encoding(header), html_body_declared_encoding(response.body))
        if all(name is None or character_set(name) for name in named):
            return response
        return response.replace(encoding="utf-8")
