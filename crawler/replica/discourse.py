"""A forum as Discourse serves it: JSON beside HTML in the crawler layout. Values in and out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from html import escape
from string import Template

from crawler.replica.answer import (
    Answer,
    Ask,
    chunk,
    html_answer,
    json_answer,
    moved,
    plain,
)
from crawler.replica.content import Forum, Message, Topic
from crawler.replica.discourse_json import (
    TOPICS,
    categories,
    cooked,
    details,
    post,
    slug,
    summary,
    top_tags,
    topic_list,
    updated_at,
    views,
    written_at,
)
from crawler.replica.markup import flat

__all__ = ["respond"]

POSTS = 20

PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>$title</title>
<meta name="description" content="$description">
<meta name="generator" content="Discourse 3.6.0.beta2 - https://github.com/discourse/discourse version 0000000">
<meta name="viewport" content="width=device-width, initial-scale=1.0">
<link rel="canonical" href="$canonical">
$rel<style>$css</style>
</head>
<body class="crawler">
<header><a href="/">$site</a></header>
$notice
<div id="main-outlet" class="wrap" role="main">
$main
</div>
<footer class="container wrap"><nav class="crawler-nav"><ul>
<li><a href="/">Home</a></li><li><a href="/categories">Categories</a></li>
</ul></nav><p class="powered-by-link">Powered by <a href="https://www.discourse.org">Discourse</a>,
best viewed with JavaScript enabled</p></footer>
</body>
</html>
""")  # noqa: E501

ROW = Template("""<tr class="topic-list-item" id="topic-list-item-$id">
<td class="main-link" itemprop="itemListElement" itemscope itemtype="http://schema.org/ListItem">
<meta itemprop="name" content="$title"><meta itemprop="url" content="$url">
<meta itemprop="position" content="$position">
<span class="link-top-line"><a itemprop="url" href="$url" class="title raw-link raw-topic-link">$title</a></span>
<div class="link-bottom-line"><a href="$home" class="badge-wrapper bullet"><span class="badge-category-bg"></span>
<span class="category-name">$category</span></a></div>
</td>
<td class="replies"><span class="posts" title="posts">$replies</span></td>
<td class="views"><span class="views" title="views">$views</span></td>
<td>$date</td>
</tr>""")  # noqa: E501

POST = Template("""<div id="post_$n" class="topic-body crawler-post" itemscope itemtype="http://schema.org/DiscussionForumPosting">
<div class="crawler-post-meta">
<span class="creator" itemprop="author" itemscope itemtype="http://schema.org/Person">
<a itemprop="url" href="$base/u/$author"><span itemprop="name">$author</span></a></span>
<link itemprop="mainEntityOfPage" href="$url">
<span class="crawler-post-infos">
<time itemprop="datePublished" datetime="$written" class="post-time">$shown</time>
<meta itemprop="dateModified" content="$updated">
<span itemprop="position">$n</span>
</span>
</div>
<div class="post" itemprop="text">
$cooked
</div>
<div itemprop="interactionStatistic" itemscope itemtype="http://schema.org/InteractionCounter">
<meta itemprop="interactionType" content="http://schema.org/LikeAction">
<meta itemprop="userInteractionCount" content="$likes">
<span class="post-likes">$liked</span>
</div>
</div>""")

ROBOTS = """# See http://www.robotstxt.org/robotstxt.html
User-agent: *
Disallow: /admin/
Disallow: /auth/
Disallow: /email/
Disallow: /session
Disallow: /user-api-key
Disallow: /badges
Disallow: /u/
Disallow: /my
Disallow: /search
Disallow: /tag/*/l
Disallow: /g
Disallow: /t/*/*.rss
Disallow: /c/*.rss
"""

View = Callable[[Forum, Ask, "re.Match[str]"], Answer]


def respond(forum: Forum, ask: Ask) -> Answer:
    """The answer to one request; JSON errors for `.json` paths, a page for the others."""
    for pattern, view in ROUTES:
        if hit := pattern.fullmatch(ask.path):
            return view(forum, ask, hit)
    return _missing(forum, ask)


def _missing(forum: Forum, ask: Ask) -> Answer:
    if ask.path.endswith(".json"):
        text = "The requested URL or resource could not be found."
        return json_answer({"errors": [text], "error_type": "not_found"}, 404)
    main = "<h1>Oops! That page doesn’t exist or is private.</h1>"
    return _page(forum, ask, "Page not found", main, status=404)


def _find(forum: Forum, number: str) -> Topic | None:
    return next((topic for topic in forum.topics if topic.id == int(number)), None)


# Listings


def _latest(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    return _listing(forum, ask, forum.recent, "/latest")


def _category(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    number = int(hit["id"])
    if not 0 < number <= len(forum.categories):
        return _missing(forum, ask)
    name = forum.categories[number - 1]
    topics = [topic for topic in forum.recent if topic.category == name]
    return _listing(forum, ask, topics, f"/c/{slug(name)}/{number}")


def _tag(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    topics = [topic for topic in forum.recent if hit["tag"] in topic.tags]
    if not topics:
        return _missing(forum, ask)
    return _listing(forum, ask, topics, f"/tag/{hit['tag']}")


def _listing(forum: Forum, ask: Ask, topics: Sequence[Topic], home: str) -> Answer:
    page = ask.number("page")
    more = len(topics) > (page + 1) * TOPICS
    shown = chunk(topics, page, TOPICS)
    if ask.path.endswith(".json"):
        following = f"{home}?no_definitions=true&page={page + 1}" if more else None
        return json_answer(topic_list(forum, shown, following))
    rel = f'<link rel="next" href="{home}?page={page + 1}">\n' if more else ""
    rows = "\n".join(_row(forum, ask, topic, i) for i, topic in enumerate(shown, 1))
    link = f'<a rel="next" href="{home}?page={page + 1}">next page →</a>' if more else ""
    main = (
        f"<h1>{escape(forum.name)}</h1><p>{escape(forum.description)}</p>"
        '<div class="topic-list-container" itemscope itemtype="http://schema.org/ItemList">'
        f'<table class="topic-list"><tbody>\n{rows}\n</tbody></table></div>{link}'
    )
    return _page(forum, ask, forum.name, main, rel=rel)


def _row(forum: Forum, ask: Ask, topic: Topic, position: int) -> str:
    number = forum.categories.index(topic.category) + 1
    return ROW.substitute(
        id=topic.id,
        title=escape(topic.title),
        url=f"{ask.base}/t/{topic.slug}/{topic.id}",
        position=position,
        home=f"/c/{slug(topic.category)}/{number}",
        category=escape(topic.category),
        replies=len(topic.messages) - 1,
        views=views(topic),
        date=_day(topic.last.written),
    )


# A topic


def _topic_json(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    topic = _find(forum, hit["id"])
    if topic is None:
        return _missing(forum, ask)
    if past := _past_the_end(topic, ask, f"/t/{topic.slug}/{topic.id}.json"):
        return past
    page = max(ask.number("page", 1), 1) - 1
    posts = [post(forum, topic, message) for message in chunk(topic.messages, page, POSTS)]
    stream = [message.id for message in topic.messages]
    return json_answer(
        {
            "post_stream": {"posts": posts, "stream": stream},
            "timeline_lookup": [[1, 0]],
            **summary(forum, topic),
            "word_count": sum(len(message.text.split()) for message in topic.messages),
            "user_id": forum.members[topic.messages[0].author],
            "deleted_at": None,
            "current_post_number": 1,
            "chunk_size": POSTS,
            "details": details(forum, topic),
        }
    )


def _topic_posts(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    """Posts by id; without ids the first chunk, as Discourse does."""
    topic = _find(forum, hit["id"])
    if topic is None:
        return _missing(forum, ask)
    wanted = set(ask.query.get("post_ids[]", ()))
    found = [message for message in topic.messages if str(message.id) in wanted]
    posts = [
        post(forum, topic, message) for message in (found if wanted else topic.messages[:POSTS])
    ]
    return json_answer({"post_stream": {"posts": posts}, "id": topic.id})


def _topic_page(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    topic = _find(forum, hit["id"])
    if topic is None:
        return _missing(forum, ask)
    home = f"{ask.base}/t/{topic.slug}/{topic.id}"
    if hit["slug"] != topic.slug:
        return moved(home)
    if past := _past_the_end(topic, ask, home):
        return past
    page = max(ask.number("page", 1), 1) - 1
    posts = [_crawler_post(topic, ask, message) for message in chunk(topic.messages, page, POSTS)]
    more = len(topic.messages) > (page + 1) * POSTS
    rel = f'<link rel="next" href="{home}?page={page + 2}">\n' if more else ""
    link = f'<a rel="next" href="{home}?page={page + 2}">next page →</a>' if more else ""
    title = f'<h1><a href="{home}">{escape(topic.title)}</a></h1>'
    main = f'<div id="topic-title">{title}</div>\n' + "\n".join(posts) + link
    return _page(forum, ask, f"{topic.title} - {forum.name}", main, topic, rel=rel)


def _past_the_end(topic: Topic, ask: Ask, home: str) -> Answer | None:
    last = (len(topic.messages) - 1) // POSTS + 1
    return moved(f"{home}?page={last}") if ask.number("page", 1) > last else None


def _crawler_post(topic: Topic, ask: Ask, message: Message) -> str:
    return POST.substitute(
        n=message.n,
        author=escape(message.author),
        base=ask.base,
        url=f"{ask.base}/t/{topic.slug}/{topic.id}",
        written=written_at(message),
        shown=f"{_day(message.written)}, {message.written:%H:%M}",
        updated=updated_at(message),
        cooked=cooked(topic, message),
        likes=message.likes,
        liked=f"{message.likes} Likes" if message.likes else "",
    )


# Shared fields


def _day(moment: datetime) -> str:
    return f"{moment:%B} {moment.day}, {moment.year}"


# The site itself


def _site(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    return json_answer(
        {
            "default_archetype": "regular",
            "categories": categories(forum),
            "top_tags": top_tags(forum),
            "archetypes": [{"id": "regular", "name": "Regular Topic", "options": []}],
        }
    )


def _category_list(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    if ask.path.endswith(".json"):
        rows = categories(forum)
        return json_answer({"category_list": {"can_create_category": False, "categories": rows}})
    links = "".join(
        f'<li><a href="/c/{row["slug"]}/{row["id"]}">{escape(row["name"])}</a></li>'
        for row in categories(forum)
    )
    return _page(forum, ask, f"Categories - {forum.name}", f"<h1>Categories</h1><ul>{links}</ul>")


def _about(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    about = {"title": forum.name, "description": forum.description, "version": "3.6.0.beta2"}
    return json_answer({"about": about} if "about" in ask.path else about)


def _robots(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    return plain(ROBOTS)


def _private(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    """Member pages and search are not for visitors."""
    text = "You need to be logged in to do that."
    return json_answer({"errors": [text], "error_type": "not_logged_in"}, 403)


def _page(
    forum: Forum,
    ask: Ask,
    title: str,
    main: str,
    topic: Topic | None = None,
    *,
    rel: str = "",
    status: int = 200,
) -> Answer:
    description = flat(topic.messages[0].text)[:160] if topic else forum.description
    path = f"/t/{topic.slug}/{topic.id}" if topic else ask.path
    return html_answer(
        PAGE,
        topic.changed if topic else None,
        status,
        title=title,
        description=escape(description),
        canonical=escape(ask.base + path),
        rel=rel,
        site=escape(forum.name),
        main=main,
    )


ROUTES: tuple[tuple[re.Pattern[str], View], ...] = tuple(
    (re.compile(pattern), view)
    for pattern, view in (
        (r"/|/latest(\.json)?", _latest),
        (r"/robots\.txt", _robots),
        (r"/site\.json", _site),
        (r"/(about|site/basic-info)\.json", _about),
        (r"/categories(\.json)?", _category_list),
        (r"/c/[\w-]+/(?P<id>\d+)(/l/latest)?(\.json)?", _category),
        (r"/tag/(?P<tag>[\w-]+)(\.json)?", _tag),
        (r"/t/(?P<id>\d+)/posts\.json", _topic_posts),
        (r"/t/(?:[\w-]+/)?(?P<id>\d+)\.json", _topic_json),
        (r"/t/(?:(?P<slug>[\w-]*[a-zA-Z_-][\w-]*)/)?(?P<id>\d+)(?:/\d+)?", _topic_page),
        (r"/(u|search|my|admin)(/.*|\.json)?", _private),
    )
)
