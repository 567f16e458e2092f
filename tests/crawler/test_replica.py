"""The demo community: what it holds, the shapes it is served in, the server around it."""

from __future__ import annotations

import json
import re
import socket
import struct
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from parsel import Selector

from crawler.errors import CrawlerError
from crawler.replica import Replica, serve
from crawler.replica.__main__ import main
from crawler.replica.content import Excerpt, Forum, Message, Press, Site, Topic, load
from crawler.replica.markup import breaks, cook
from crawler.replica.pages import Answer, Ask, respond

SITES = load()
FORUMS = [site for site in SITES if isinstance(site, Forum)]
PRESSES = [site for site in SITES if isinstance(site, Press)]
TOPICS = [(forum, topic) for forum in FORUMS for topic in forum.topics]
MESSAGES = [(topic, message) for _, topic in TOPICS for message in topic.messages]
CONDITIONS = {
    "hip flexor": r"hip flexor|psoas",
    "FAI or labral tear": r"\bFAI\b|labral",
    "IT band": r"IT band",
    "patellofemoral knee": r"patellofemoral",
    "Achilles": r"Achilles",
    "plantar fascia": r"plantar",
    "low back or sciatica": r"low back|sciatica",
    "elbow or finger": r"elbow|finger",
}
BASE = "http://127.0.0.1:1"


def ask(site: Site, target: str) -> Answer:
    parts = urlsplit(target)
    query = parse_qs(parts.query, keep_blank_values=True)
    return respond(site, Ask(path=parts.path or "/", query=query, base=BASE))


def served_as(software: str) -> Forum:
    """The forum that is served with this software."""
    return next(forum for forum in FORUMS if forum.software == software)


def longest(forum: Forum) -> Topic:
    return max(forum.topics, key=lambda topic: len(topic.messages))


def quoting(forum: Forum) -> tuple[Topic, Message]:
    """A message that quotes another, with its topic."""
    return next((t, m) for t in forum.topics for m in t.messages if m.quotes)


def page(site: Site, target: str) -> Selector:
    answer = ask(site, target)
    assert answer.status == 200, (site.slug, target, answer.status)
    return Selector(answer.body)


# What the community holds


def test_community_is_large_enough_to_be_worth_mining() -> None:
    """At least 50 threads, 350 posts, 3 forums, 70 authors, 12 articles."""
    assert {forum.software for forum in FORUMS} == {"discourse", "phpbb", "xenforo"}
    assert len(TOPICS) >= 50
    assert len(MESSAGES) >= 350
    assert len({(forum.slug, name) for forum in FORUMS for name in forum.members}) >= 70
    assert sum(len(press.pieces) for press in PRESSES) >= 12


@pytest.mark.parametrize("pattern", CONDITIONS.values(), ids=CONDITIONS)
def test_every_condition_has_threads(pattern: str) -> None:
    """Each of the eight conditions is the subject of two threads or more."""
    about = [topic for _, topic in TOPICS if re.search(pattern, topic.condition, re.IGNORECASE)]
    assert len(about) >= 2


def test_dates_run_from_2019_to_2026_and_no_further() -> None:
    """Posts and edits lie between January 2019 and October 2026, with some in each year."""
    years = {message.written.year for _, message in MESSAGES}
    stamps = [message.edited or message.written for _, message in MESSAGES]
    assert years == set(range(2019, 2027))
    assert max(f"{stamp:%Y-%m}" for stamp in stamps) <= "2026-10"


def test_ids_are_unique_within_a_forum() -> None:
    """No topic or post id occurs twice on one site, and no slug."""
    for forum in FORUMS:
        posts = [message.id for topic in forum.topics for message in topic.messages]
        assert len(set(posts)) == len(posts)
        assert len({topic.id for topic in forum.topics}) == len(forum.topics)
        assert len({topic.slug for topic in forum.topics}) == len(forum.topics)


def test_posts_of_a_thread_are_numbered_and_later_ones_are_later() -> None:
    """Numbers run from 1, times increase, edits follow writing, answers follow what they answer."""
    for _, topic in TOPICS:
        assert [message.n for message in topic.messages] == list(range(1, len(topic.messages) + 1))
        times = [message.written for message in topic.messages]
        assert times == sorted(set(times)), topic.slug
        for message in topic.messages:
            assert message.edited is None or message.edited > message.written
            assert message.reply_to is None or 1 <= message.reply_to < message.n


def test_quotes_repeat_what_an_earlier_post_says() -> None:
    """A quoted text stands word for word in the quoted post, which is an earlier one."""
    quotes = [(topic, message, quote) for topic, message in MESSAGES for quote in message.quotes]
    assert len(quotes) >= 15
    for topic, message, quote in quotes:
        assert quote.n < message.n
        assert quote.text in topic.message(quote.n).text, (topic.slug, message.n)


def test_community_has_the_marks_of_a_real_one() -> None:
    """Edits, likes, replies, lists, signatures and threads of several pages all occur."""
    messages = [message for _, message in MESSAGES]
    assert sum(message.edited is not None for message in messages) >= 10
    assert sum(message.likes > 0 for message in messages) > len(messages) / 3
    assert sum(message.reply_to is not None for message in messages) > len(messages) / 4
    assert sum(bool(re.search(r"^(-|\d+\.) ", m.text, re.MULTILINE)) for m in messages) >= 3
    assert any(forum.signatures.keys() & forum.members.keys() for forum in FORUMS)
    assert sum(len(topic.messages) > 20 for _, topic in TOPICS) >= 2


def test_nobody_says_the_same_twice() -> None:
    """No text of 40 characters or more occurs in two posts."""
    texts = [message.text for _, message in MESSAGES if len(message.text) >= 40]
    assert len(set(texts)) == len(texts)


def test_links_lead_to_reserved_names_only() -> None:
    """No address of a post or article could belong to anybody: hosts kept for examples only."""
    texts = [message.text for _, message in MESSAGES]
    texts += [piece.body for press in PRESSES for piece in press.pieces]
    texts += [press.offer for press in PRESSES]
    hosts = {
        urlsplit(url).hostname or "" for text in texts for url in re.findall(r"https?://\S+", text)
    }
    assert hosts
    assert all(re.search(r"\.example(\.org|\.com)?$", host) for host in hosts), hosts


@pytest.mark.shared
def test_no_sentence_is_borrowed(shared: Path) -> None:
    """No run of 12 words of the community stands in the third-party texts."""
    community = set()
    for _, message in MESSAGES:
        community |= set(runs(message.text))
    for press in PRESSES:
        for piece in press.pieces:
            community |= set(runs(piece.body))
    third = [
        *shared.glob("seeds/*.txt"),
        *shared.glob("gold/threads/*"),
        *shared.glob("gold/articles/*"),
    ]
    third += [shared / "train" / "posts.jsonl"]
    assert len(third) > 10
    for file in third:
        borrowed = community.intersection(runs(file.read_text(encoding="utf-8", errors="replace")))
        assert not borrowed, (file.name, sorted(borrowed)[:3])


def runs(text: str) -> Iterator[tuple[str, ...]]:
    """Every run of 12 words, without case and punctuation."""
    words = re.findall(r"[a-z0-9]+", re.sub(r"\\[nrt]|['’]", " ", text.lower()))
    yield from zip(*(words[i:] for i in range(12)), strict=False)


# Pages


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.slug)
def test_every_page_can_be_reached_and_no_link_is_dead(site: Site) -> None:
    """Links from the front page lead to every topic and piece; each answers or is private."""
    seen: dict[str, int] = {}
    queue = ["/"]
    while queue:
        target = queue.pop()
        if target in seen:
            continue
        answer = ask(site, target)
        seen[target] = answer.status
        if where := answer.headers.get("Location"):
            queue.append(_inside(BASE, where) or "/")
        if answer.status != 200 or not answer.content_type.startswith("text/html"):
            continue
        found = Selector(answer.body)
        assert found.css("title::text").get()
        assert found.css(".invented")
        links = (urljoin(BASE + target, link) for link in found.css("a::attr(href)").getall())
        queue += [inside for link in links if (inside := _inside(BASE, link))]
    assert set(seen.values()) <= {200, 301, 403}
    assert wanted(site) <= {target for target, status in seen.items() if status == 200}


def _inside(base: str, link: str) -> str | None:
    """The target within the site; None for another site, a member page or a picture."""
    parts = urlsplit(link)
    if f"{parts.scheme}://{parts.netloc}" != base or parts.path.startswith("/emoji"):
        return None
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def wanted(site: Site) -> set[str]:
    """A page of every document the site has."""
    if isinstance(site, Press):
        return {f"/articles/{piece.slug}/" for piece in site.pieces}
    shape = {
        "discourse": "/t/{0.slug}/{0.id}",
        "phpbb": "/viewtopic.php?t={0.id}",
        "xenforo": "/threads/{0.slug}.{0.id}/",
    }[site.software]
    return {shape.format(topic) for topic in site.topics}


def test_discourse_listing_has_thirty_topics_and_names_the_next_page() -> None:
    """Every topic is listed once, latest answer first; the last page has no more_topics_url."""
    forum = served_as("discourse")
    found: list[int] = []
    times: list[str] = []
    number = 0
    while True:
        data = json.loads(ask(forum, f"/latest.json?page={number}").body)["topic_list"]
        found += [topic["id"] for topic in data["topics"]]
        times += [topic["bumped_at"] for topic in data["topics"]]
        if "more_topics_url" not in data:
            break
        assert len(data["topics"]) == 30
        number += 1
        assert f"page={number}" in data["more_topics_url"]
    assert sorted(found) == sorted(topic.id for topic in forum.topics)
    assert times == sorted(times, reverse=True)


def test_discourse_topic_gives_twenty_posts_and_all_ids() -> None:
    """The rest of a long topic comes by id, in chunks."""
    forum = served_as("discourse")
    topic = longest(forum)
    data = json.loads(ask(forum, f"/t/{topic.id}.json").body)
    stream = data["post_stream"]["stream"]
    assert stream == [message.id for message in topic.messages]
    assert [post["id"] for post in data["post_stream"]["posts"]] == stream[:20]
    assert data["posts_count"] == len(stream) > 20
    query = "&".join(f"post_ids[]={number}" for number in stream[20:40])
    rest = json.loads(ask(forum, f"/t/{topic.id}/posts.json?{query}").body)["post_stream"]["posts"]
    assert [post["id"] for post in rest] == stream[20:40]
    assert {"cooked", "created_at", "updated_at", "username", "post_number"} <= rest[0].keys()


def test_discourse_quotes_name_their_post() -> None:
    """A quote is an aside with author, post number and topic, before the author's own words."""
    forum = served_as("discourse")
    topic, message = quoting(forum)
    query = f"post_ids[]={message.id}"
    data = json.loads(ask(forum, f"/t/{topic.id}/posts.json?{query}").body)
    cooked = Selector(data["post_stream"]["posts"][0]["cooked"])
    aside = cooked.css("aside.quote")[0]
    assert aside.attrib["data-post"] == str(message.quotes[0].n)
    assert aside.attrib["data-topic"] == str(topic.id)
    assert aside.attrib["data-username"] == topic.message(message.quotes[0].n).author
    assert " ".join(aside.css("blockquote ::text").getall()).strip()


def test_discourse_pages_past_the_end_and_wrong_slugs_redirect() -> None:
    """301 to the last page and to the right slug; unknown topics are 404 in JSON too."""
    forum = served_as("discourse")
    topic = longest(forum)
    last = -(-len(topic.messages) // 20)
    past = ask(forum, f"/t/{topic.id}.json?page={last + 5}")
    assert (past.status, past.headers["Location"].endswith(f"page={last}")) == (301, True)
    wrong = ask(forum, f"/t/other-words/{topic.id}")
    assert (wrong.status, wrong.headers["Location"]) == (301, f"{BASE}/t/{topic.slug}/{topic.id}")
    missing = ask(forum, "/t/999999.json")
    assert missing.status == 404
    assert json.loads(missing.body)["error_type"] == "not_found"


def test_discourse_front_page_names_its_generator() -> None:
    """The crawler layout carries the generator and the next page."""
    front = page(served_as("discourse"), "/")
    assert front.css('meta[name="generator"]::attr(content)').get("").startswith("Discourse ")
    assert front.css("link[rel=next]")


@pytest.mark.parametrize("software", ["discourse", "phpbb", "xenforo"])
def test_html_pages_of_a_thread_hold_every_post_once(software: str) -> None:
    """Author, number or id and own words of each post stand on exactly one page."""
    forum = served_as(software)
    topic = longest(forum)
    home = next(iter(wanted(replace(forum, topics=(topic,)))))
    shape = {
        "discourse": ("?page={}", 1, 20, ".crawler-post", "[itemprop=text]"),
        "phpbb": ("&start={}0", 0, 10, "div.post[id^=p]", ".content"),
        "xenforo": ("page-{}", 1, 10, "article.message--post", ".bbWrapper"),
    }[software]
    suffix, first, size, post, body = shape
    texts: list[str] = []
    for number in range(-(-len(topic.messages) // size)):
        tail = suffix.format(number + first) if number else ""
        found = page(forum, home + tail).css(post)
        texts += ["".join(one.css(body)[0].css("::text").getall()) for one in found]
    assert len(texts) == len(topic.messages)
    for text, message in zip(texts, topic.messages, strict=True):
        opening = re.findall(r"\w+", message.text)[:5]
        assert " ".join(opening) in " ".join(re.findall(r"\w+", text))


def test_phpbb_prints_dates_edits_and_quotes_as_prosilver_does() -> None:
    """`Tue Mar 02, 2021 9:14 am`, the edited notice, cite with the author, signature apart."""
    forum = served_as("phpbb")
    topic, message = quoting(forum)
    post = page(forum, f"/viewtopic.php?p={message.id}").css(f"#p{message.id}")
    quote = message.quotes[0]
    assert post.css("blockquote cite a::text").get() == topic.message(quote.n).author
    when = "".join(post.css("p.author ::text").getall())
    assert re.search(r"» [A-Z][a-z]{2} [A-Z][a-z]{2} \d\d, \d{4} \d{1,2}:\d\d [ap]m", when)
    edited = next(m for t in forum.topics for m in t.messages if m.edited)
    notice = page(forum, f"/viewtopic.php?p={edited.id}").css(f"#p{edited.id} .notice ::text")
    assert "edited 1 time in total" in "".join(notice.getall())
    signed = next(m for t in forum.topics for m in t.messages if m.author in forum.signatures)
    assert page(forum, f"/viewtopic.php?p={signed.id}").css(f"#sig{signed.id}.signature")


def test_xenforo_states_ids_authors_dates_and_reactions() -> None:
    """data-author, data-content, time[datetime], quotes with their source, JSON-LD."""
    forum = served_as("xenforo")
    topic, message = quoting(forum)
    at = ask(forum, f"/posts/{message.id}/").headers["Location"]
    found = page(forum, urlsplit(at).path)
    post = found.css(f'[data-content="post-{message.id}"]')
    assert post.attrib["data-author"] == message.author
    stamp = post.css(".message-attribution time::attr(datetime)").get()
    assert stamp == f"{message.written:%Y-%m-%dT%H:%M:%S}+0000"
    source = post.css("blockquote.bbCodeBlock--quote::attr(data-source)").get()
    assert source == f"post: {topic.message(message.quotes[0].n).id}"
    data = json.loads(found.css('script[type="application/ld+json"]::text').get(""))
    assert data["@type"] == "DiscussionForumPosting"
    liked = next(m for t in forum.topics for m in t.messages if m.likes > 4)
    at = ask(forum, f"/posts/{liked.id}/").headers["Location"]
    bar = page(forum, urlsplit(at).path).css(f"#js-post-{liked.id} .reactionsBar-link ::text")
    assert f"{liked.likes - 3} other" in "".join(bar.getall())


@pytest.mark.parametrize("press", PRESSES, ids=lambda press: press.slug)
def test_articles_state_author_dates_and_references(press: Press) -> None:
    """JSON-LD agrees with the by-line; references link their DOI."""
    for piece in press.pieces:
        found = page(press, f"/articles/{piece.slug}/")
        data = json.loads(found.css('script[type="application/ld+json"]::text').get(""))
        assert data["headline"] == piece.title
        assert data["datePublished"] == str(piece.published)
        assert data.get("lastReviewed") == (str(piece.reviewed) if piece.reviewed else None)
        assert data["author"].get("honorificSuffix") == piece.credential
        dois = [entry["doi"] for entry in piece.references if "doi" in entry]
        assert found.css(".references a[href*='doi.org']::text").getall() == dois
        assert len(found.css(".entry-content p, .entry-content li")) >= 3


def test_text_is_escaped() -> None:
    """Angle brackets of a post are text on the page, in both kinds of markup."""
    assert breaks("a <b>\nc") == "a &lt;b&gt;<br />\nc"
    assert cook("a <script>x</script>") == "<p>a &lt;script&gt;x&lt;/script&gt;</p>"


def test_lists_headings_and_quoted_lines_are_cooked() -> None:
    """Lines of one kind become one list, one quote or one paragraph."""
    html = cook("## Head\n- a\n- b\n> said\nown *word* and @some.body here")
    assert html == (
        "<h2>Head</h2>\n<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"
        "<blockquote>\n<p>said</p>\n</blockquote>\n"
        '<p>own <em>word</em> and <a class="mention" href="/u/some.body">@some.body</a> here</p>'
    )


# The server


def fetch(url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one answer, redirects not followed."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=5)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    connection.request("GET", target, headers={k.replace("_", "-"): v for k, v in headers.items()})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders()), body


@pytest.fixture(scope="module")
def replica() -> Iterator[Replica]:
    with serve() as running:
        yield running


def test_each_site_has_its_own_port_on_loopback(replica: Replica) -> None:
    """Every site answers at its own address of 127.0.0.1 and has a robots.txt that lets us in."""
    assert len({site.url for site in replica.sites}) == len(SITES)
    for site in replica.sites:
        assert site.url.startswith("http://127.0.0.1:")
        status, _, robots = fetch(f"{site.url}robots.txt")
        assert (status, b"Disallow: /\n" in robots) == (200, False)
        assert site.title.encode() in fetch(site.url)[2].replace(b"&amp;", b"&")


def test_only_the_sites_asked_for_are_served() -> None:
    """`only` picks sites by slug; an unknown one is refused with the names there are."""
    with serve(only=["striders"]) as running:
        assert [site.name for site in running.sites] == ["striders"]
    with pytest.raises(CrawlerError, match=r"nowhere; known: .*striders"):
        serve(only=["nowhere"])


def test_an_unchanged_page_is_not_sent_again(replica: Replica) -> None:
    """304 without a body for the known ETag and for the known date."""
    forum = served_as("phpbb")
    url = f"{replica.url(forum.slug)}viewtopic.php?t={forum.topics[0].id}"
    status, headers, body = fetch(url)
    assert (status, bool(body)) == (200, True)
    assert fetch(url, If_None_Match=headers["ETag"])[::2] == (304, b"")
    assert fetch(url, If_Modified_Since=headers["Last-Modified"])[::2] == (304, b"")
    assert fetch(url, If_None_Match='"other"')[0] == 200


def test_failures_come_as_ordered() -> None:
    """A fixed status stays, a row of them is used up; 429 says when to come back."""
    fail = {"/viewtopic.php?t=1": 500, "/index.php": [429, 404], "striders:/robots.txt": 503}
    with serve(only=["striders"], fail=fail, retry_after=7) as running:
        url = running.url("striders")
        assert [fetch(f"{url}viewtopic.php?t=1")[0] for _ in range(2)] == [500, 500]
        first, second, third = (fetch(f"{url}index.php") for _ in range(3))
        assert (first[0], first[1]["Retry-After"], second[0], third[0]) == (429, "7", 404, 200)
        assert fetch(f"{url}robots.txt")[0] == 503
        assert [entry.status for entry in running.journal] == [500, 500, 429, 404, 200, 503]


def test_content_can_change_while_it_is_served() -> None:
    """A later request sees posts added since; the page's ETag changes with it."""
    forum = served_as("xenforo")
    topic = forum.topics[0]
    late = replace(topic.last, id=999_999, n=topic.last.n + 1, text="A word from the future.",
                   quotes=(Excerpt(n=1, text=topic.messages[0].text[:10]),))  # fmt: skip
    grown = replace(topic, messages=(*topic.messages, late))
    with serve(only=[forum.slug]) as running:
        home = running.url(forum.slug)
        _, before, _ = fetch(f"{home}threads/{topic.slug}.{topic.id}/")
        running.change(replace(forum, topics=(grown, *forum.topics[1:])))
        status, headers, _ = fetch(f"{home}posts/999999/")
        assert status == 301
        assert b"A word from the future." in fetch(headers["Location"].partition("#")[0])[2]
        assert fetch(f"{home}threads/{topic.slug}.{topic.id}/", If_None_Match=before["ETag"])[
            0
        ] in (200, 304)


def test_a_taken_port_is_named() -> None:
    """The message names port and site, and nothing stays open."""
    with serve(only=["striders"]) as running:
        port = urlsplit(running.sites[0].url).port or 0
        with pytest.raises(CrawlerError, match=f"port {port} for crux"):
            serve(port, only=["crux"])


def test_the_command_names_an_unknown_site(capsys: pytest.CaptureFixture[str]) -> None:
    """One line on stderr and exit code 1; nothing is served."""
    assert main(["0", "nowhere"]) == 1
    told = capsys.readouterr()
    assert told.err.count("\n") == 1
    assert "nowhere" in told.err
    assert not told.out


def test_a_visitor_who_hangs_up_is_no_news(capfd: pytest.CaptureFixture[str]) -> None:
    """A closed connection leaves no trace on the terminal and the server goes on."""
    with serve(only=["striders"], slow=0.05) as running:
        parts = urlsplit(running.url("striders"))
        for _ in range(3):
            with socket.create_connection((parts.hostname, parts.port)) as rude:
                rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                rude.sendall(b"GET /viewtopic.php?t=112 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert fetch(f"{running.url('striders')}robots.txt")[0] == 200
    assert capfd.readouterr().err == ""
