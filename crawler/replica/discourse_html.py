"""The pages of Discourse: the crawler layout, for browsers inside `noscript`. Values in and out."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from html import escape
from string import Template
from typing import Any

from crawler.replica.answer import Answer, Ask, html_answer
from crawler.replica.content import Forum, Message, Topic
from crawler.replica.discourse_json import cooked, slug, updated_at, views, written_at
from crawler.replica.markup import flat

__all__ = ["category_page", "is_browser", "listing_page", "lost_page", "note_page", "topic_page"]

HEAD = """<!DOCTYPE html>
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
"""  # noqa: E501

BODY = """<header><a href="$folder/">$site</a></header>
$notice
<div id="main-outlet" class="wrap" role="main">
$main
</div>
<footer class="container wrap"><nav class="crawler-nav"><ul>
<li><a href="$folder/">Home</a></li><li><a href="$folder/categories">Categories</a></li>
</ul></nav><p class="powered-by-link">Powered by <a href="https://www.discourse.org">Discourse</a>,
best viewed with JavaScript enabled</p></footer>
"""

CRAWLER = Template(f'{HEAD}<body class="crawler">\n{BODY}</body>\n</html>\n')

BROWSER = Template(f"""{HEAD}<body class="">
<noscript data-path="$path">
{BODY}</noscript>
<section id="main">
</section>
<div class="hidden" id="data-discourse-setup" data-base-uri="$folder" data-environment="production"></div>
<div class="hidden" id="data-preloaded" data-preloaded="$preloaded"></div>
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

BROWSERS = re.compile(r"(?:trident|webkit|gecko|chrome|safari|msie|opera|goanna)[/ ]", re.I)


def is_browser(agent: str) -> bool:
    """Whether a visitor gets the layout that needs a script."""
    return bool(BROWSERS.search(agent)) and "bot" not in agent.lower()


def listing_page(
    forum: Forum, ask: Ask, topics: Sequence[Topic], following: str | None, data: dict[str, Any]
) -> Answer:
    """One page of a list; `following` is the address of the next one."""
    rel = f'<link rel="next" href="{escape(following)}">\n' if following else ""
    rows = "\n".join(_row(forum, ask, topic, i) for i, topic in enumerate(topics, 1))
    link = f'<a rel="next" href="{escape(following)}">next page →</a>' if following else ""
    main = (
        f"<h1>{escape(forum.name)}</h1><p>{escape(forum.description)}</p>"
        '<div class="topic-list-container" itemscope itemtype="http://schema.org/ItemList">'
        f'<table class="topic-list"><tbody>\n{rows}\n</tbody></table></div>{link}'
    )
    return _page(forum, ask, forum.name, main, rel=rel, preloaded={"topic_list": data})


def _row(forum: Forum, ask: Ask, topic: Topic, position: int) -> str:
    number = forum.categories.index(topic.category) + 1
    return ROW.substitute(
        id=topic.id,
        title=escape(topic.title),
        url=f"{ask.base}/t/{topic.slug}/{topic.id}",
        position=position,
        home=f"{forum.setup.folder}/c/{slug(topic.category)}/{number}",
        category=escape(topic.category),
        replies=len(topic.messages) - 1,
        views=views(topic),
        date=_day(topic.last.written),
    )


def topic_page(
    forum: Forum,
    ask: Ask,
    topic: Topic,
    messages: Sequence[Message],
    following: int | None,
    data: dict[str, Any],
) -> Answer:
    """These messages of a topic; `following` is the number of its next page."""
    home = f"{ask.base}/t/{topic.slug}/{topic.id}"
    posts = [_crawler_post(topic, ask, message) for message in messages]
    rel = f'<link rel="next" href="{home}?page={following}">\n' if following else ""
    link = f'<a rel="next" href="{home}?page={following}">next page →</a>' if following else ""
    title = f'<h1><a href="{home}">{escape(topic.title)}</a></h1>'
    main = f'<div id="topic-title">{title}</div>\n' + "\n".join(posts) + link
    preloaded = {f"topic_{topic.id}": data}
    name = f"{topic.title} - {forum.name}"
    return _page(forum, ask, name, main, topic, rel=rel, preloaded=preloaded)


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


def category_page(forum: Forum, ask: Ask, rows: Sequence[dict[str, Any]]) -> Answer:
    """The list of categories."""
    links = "".join(
        f'<li><a href="{forum.setup.folder}/c/{row["slug"]}/{row["id"]}">'
        f"{escape(row['name'])}</a></li>"
        for row in rows
    )
    main = f"<h1>Categories</h1><ul>{links}</ul>"
    return _page(forum, ask, f"Categories - {forum.name}", main)


def lost_page(forum: Forum, ask: Ask, text: str, status: int) -> Answer:
    """The page for what is not there."""
    page = _page(forum, ask, "Page not found", f"<h1>{escape(text)}</h1>")
    return replace(page, status=status)


def note_page(forum: Forum, ask: Ask, title: str, main: str) -> Answer:
    """A page of its own; `main` is HTML."""
    return _page(forum, ask, title, main)


def _page(
    forum: Forum,
    ask: Ask,
    title: str,
    main: str,
    topic: Topic | None = None,
    *,
    rel: str = "",
    preloaded: dict[str, Any] | None = None,
) -> Answer:
    description = flat(topic.messages[0].text)[:160] if topic else forum.description
    path = f"/t/{topic.slug}/{topic.id}" if topic else ask.path
    parts = {
        "title": title,
        "description": escape(description),
        "canonical": escape(ask.base + path),
        "rel": rel,
        "site": escape(forum.name),
        "main": main,
        "folder": forum.setup.folder,
    }
    changed = topic.changed if topic else None
    if not is_browser(ask.agent):
        return html_answer(CRAWLER, changed, **parts)
    inner = {name: json.dumps(data, ensure_ascii=False) for name, data in (preloaded or {}).items()}
    parts |= {"path": escape(path), "preloaded": escape(json.dumps(inner, ensure_ascii=False))}
    return html_answer(BROWSER, changed, **parts)


def _day(moment: datetime) -> str:
    return f"{moment:%B} {moment.day}, {moment.year}"
