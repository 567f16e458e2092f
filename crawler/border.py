"""The border of a site: nobody beyond it is asked for anything, nor told what is the site's own.

It stands before Scrapy's robots.txt, since asking a host for its rules is asking it already: a
forum that redirects into the network of whoever crawls it would reach there else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy.exceptions import IgnoreRequest

from crawler.sites import site_of

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

__all__ = ["PLACE", "Astray", "Border"]

PLACE = 50
"""Among the downloader middlewares: before robots.txt (100), and before what sets headers that a
request lacks (from 300), so that those taken away here are the usual ones again."""


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
