"""Articles, and the sitemaps and feeds that list them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crawler.documents import Article
from crawler.engines import article, choose
from crawler.page import Found, Page

NOW = datetime(2024, 9, 1, tzinfo=UTC)
PROSE = (
    "<p>"
    + "</p><p>".join(
        "The heel carries several times the weight of the body in each step, and the band under the"
        f" foot takes its share of that. This is paragraph {n}, which says something of its own."
        for n in range(6)
    )
    + "</p>"
)


def read(
    text: str, url: str = "https://clinic.example/advice/heel", kind: str = "text/html"
) -> Found:
    """What the engine finds in a page."""
    return article.read(Page(url=url, text=text, fetched=NOW, content_type=kind))


def article_of(body: str, head: str = "", spoken: str = "en") -> Article:
    """The article of an invented page."""
    page = (
        f"<html lang='{spoken}'><head><title>Heels</title>{head}</head><body><main><article>"
        f"<h1>Heels</h1>{body}</article></main></body></html>"
    )
    (found,) = read(page).documents
    assert isinstance(found, Article)
    return found


def test_person_that_data_points_to_is_the_author() -> None:
    """A graph names its persons once and refers to them."""
    data = (
        '{"@graph": [{"@type": "Article", "headline": "Heels", "author": {"@id": "#p"},'
        ' "datePublished": "2022-02-03"}, {"@type": "Person", "@id": "#p", "name": "Ada Quill",'
        ' "honorificSuffix": "DPT"}]}'
    )
    found = article_of(PROSE, f"<script type='application/ld+json'>{data}</script>")
    assert (found.author, found.credential) == ("Ada Quill", "DPT")
    assert found.published == datetime(2022, 2, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "field", "day"),
    [
        (
            "<p>Medically reviewed by <b>Bo Lind, MD</b> on March 5, 2023</p>",
            "reviewed",
            (2023, 3, 5),
        ),
        ("<p>Last updated: 7 April 2022</p>", "reviewed", (2022, 4, 7)),
        ("<div>Published on <span>May 9th, 2021</span></div>", "published", (2021, 5, 9)),
        ("<p>Zuletzt aktualisiert am 3. Februar 2020</p>", "reviewed", (2020, 2, 3)),
    ],
)
def test_dates_are_read_where_they_are_only_printed(
    line: str, field: str, day: tuple[int, int, int]
) -> None:
    """A page without data still says when it was published and reviewed."""
    spoken = "de" if "Zuletzt" in line else "en"
    found = getattr(article_of(line + PROSE, spoken=spoken), field)
    assert found is not None
    assert (found.year, found.month, found.day) == day


def test_list_of_sources_needs_no_heading() -> None:
    """A list named as one of references counts; DOIs may be written in links alone."""
    listed = (
        "<ol class='article-references'><li>Ito, a trial of heels. <a"
        " href='https://doi.org/10.9999%2Fheel.7'>link</a></li><li>Umber, a review. PMID: 31234567"
        "</li></ol>"
    )
    found = article_of(PROSE + listed).references
    assert [(entry.doi, entry.pmid) for entry in found] == [
        ("10.9999/heel.7", None),
        (None, "31234567"),
    ]


SITEMAP = """<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<url><loc>https://clinic.example/</loc><lastmod>2024-01-01</lastmod></url>
<url><loc>https://clinic.example/advice/heel</loc><lastmod>2023-05-06T07:08:09+00:00</lastmod></url>
<url><loc>https://clinic.example/tag/feet/</loc></url>
<url><loc>https://other.example/advice/toe</loc></url>
<url><loc>https://clinic.example/forum/topic/12-sore-toe</loc></url></urlset>"""


def test_sitemap_lists_pages_with_their_last_change() -> None:
    """The date is the stamp: an unchanged page is not asked for again."""
    links = read(SITEMAP, "https://clinic.example/sitemap.xml", "application/xml").links
    assert [
        (link.role, link.url.removeprefix("https://clinic.example"), link.stamp) for link in links
    ] == [
        ("article", "/advice/heel", "2023-05-06T07:08:09+00:00"),
        ("thread", "/forum/topic/12-sore-toe", None),
    ]
    assert links[0].active == datetime(2023, 5, 6, 7, 8, 9, tzinfo=UTC)


def test_index_of_sitemaps_leads_to_them() -> None:
    """Each is a list with a state of its own."""
    index = (
        "<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'><sitemap><loc>"
        "https://clinic.example/posts.xml</loc><lastmod>2024-02-02</lastmod></sitemap></sitemapindex>"
    )
    (link,) = read(index, "https://clinic.example/sitemap.xml", "text/xml").links
    assert (link.role, link.url, link.stamp) == (
        "listing",
        "https://clinic.example/posts.xml",
        "2024-02-02",
    )


@pytest.mark.parametrize(
    "feed",
    [
        "<rss version='2.0'><channel><title>x</title><item><title>On heels</title><link>"
        "https://clinic.example/on-heels</link><pubDate>Fri, 03 May 2024 10:00:00 GMT</pubDate>"
        "</item></channel></rss>",
        "<feed xmlns='http://www.w3.org/2005/Atom'><entry><title>On heels</title>"
        "<link rel='alternate' href='https://clinic.example/on-heels'/><updated>2024-05-03T10:00:00Z</updated>"
        "</entry></feed>",
    ],
    ids=["rss", "atom"],
)
def test_feed_lists_articles_with_their_dates(feed: str) -> None:
    """RSS and Atom alike."""
    page = Page(url="https://clinic.example/feed", text=feed, fetched=NOW, content_type="text/xml")
    assert choose(page) == "article"
    (link,) = article.read(page).links
    assert (link.role, link.title) == ("article", "On heels")
    assert link.active == datetime(2024, 5, 3, 10, tzinfo=UTC)


def test_entities_of_a_feed_are_not_expanded() -> None:
    """A bomb of entities and a file of this machine stay where they are."""
    bomb = (
        "<!DOCTYPE r [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>"
        "<!ENTITY f SYSTEM 'file:///etc/hostname'>]><rss><channel><item><title>&b;&f;</title>"
        "<link>https://clinic.example/x</link></item></channel></rss>"
    )
    (link,) = read(bomb, "https://clinic.example/feed", "text/xml").links
    assert link.title == ""
