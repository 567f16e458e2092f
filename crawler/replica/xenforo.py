"""A forum as XenForo 2 serves it. Values in and out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from html import escape
from string import Template

from crawler.replica.answer import Answer, Ask, html_answer, moved, plain
from crawler.replica.content import Forum, Message, Topic
from crawler.replica.markup import breaks, flat

__all__ = ["POSTS", "THREADS", "respond"]

THREADS = 20
POSTS = 10

PAGE = Template("""<!DOCTYPE html>
<html id="XF" lang="en-GB" dir="LTR" data-xf="2.2" data-app="public" data-template="$template" $keys data-logged-in="false" data-cookie-prefix="xf_" class="has-no-js template-$template">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<title>$title</title>
<meta property="og:site_name" content="$site" />
<meta property="og:type" content="website" />
<link rel="canonical" href="$canonical" />
$head<style>$css</style>
</head>
<body data-template="$template">
<div class="p-pageWrapper" id="top">
<header class="p-header"><div class="p-header-logo"><a href="/">$site</a></div></header>
$notice
<div class="p-body"><div class="p-body-inner">
<ul class="p-breadcrumbs" itemscope itemtype="https://schema.org/BreadcrumbList"><li><a href="/"><span itemprop="name">Forums</span></a></li>$crumb</ul>
<div class="p-body-header"><div class="p-title"><h1 class="p-title-value">$heading</h1></div></div>
<div class="p-body-main"><div class="p-body-content"><div class="p-body-pageContent">
$main
</div></div></div>
</div></div>
<footer class="p-footer" id="footer"><div class="p-footer-copyright"><a href="https://xenforo.com" class="u-concealed" dir="ltr" target="_blank">Community platform by XenForo<sup>&reg;</sup></a></div></footer>
</div>
</body>
</html>
""")  # noqa: E501

POST = Template("""<article class="message message--post js-post js-inlineModContainer" data-author="$author" data-content="post-$id" id="js-post-$id">
<span class="u-anchorTarget" id="post-$id"></span>
<div class="message-inner">
<div class="message-cell message-cell--user">
<section itemscope itemtype="https://schema.org/Person" class="message-user">
<div class="message-avatar"><div class="message-avatar-wrapper"><a href="/members/$member/" class="avatar avatar--m avatar--default avatar--default--dynamic" data-user-id="$user"><span class="avatar-u$user-m" role="img">$letter</span></a></div></div>
<div class="message-userDetails">
<h4 class="message-name"><a href="/members/$member/" class="username" dir="auto" data-user-id="$user" itemprop="name">$author</a></h4>
<h5 class="userTitle message-userTitle" dir="auto" itemprop="jobTitle">Member</h5>
</div>
<span class="message-userArrow"></span>
</section>
</div>
<div class="message-cell message-cell--main">
<div class="message-main js-quickEditTarget">
<header class="message-attribution message-attribution--split">
<ul class="message-attribution-main listInline"><li class="u-concealed"><a href="$url" rel="nofollow">$written</a></li></ul>
<ul class="message-attribution-opposite message-attribution-opposite--list"><li><a href="$url" rel="nofollow">#$n</a></li></ul>
</header>
<div class="message-content js-messageContent">
<div class="message-userContent lbContainer js-lbContainer" data-lb-id="post-$id">
<article class="message-body js-selectToQuote">
<div class="bbWrapper">$content</div>
<div class="js-selectToQuoteEnd">&nbsp;</div>
</article>
</div>
$edited$signature</div>
<footer class="message-footer">
<div class="reactionsBar js-reactionsList $active">$reactions</div>
<div class="js-historyTarget message-historyTarget toggleTarget" data-href="trigger-href"></div>
</footer>
</div>
</div>
</div>
</article>""")  # noqa: E501

QUOTE = Template("""<blockquote data-attributes="member: $user" data-quote="$author" data-source="post: $id" class="bbCodeBlock bbCodeBlock--expandable bbCodeBlock--quote js-expandWatch">
<div class="bbCodeBlock-title"><a href="/goto/post?id=$id" class="bbCodeBlock-sourceJump" rel="nofollow" data-xf-click="attribution" data-content-selector="#post-$id">$author said:</a></div>
<div class="bbCodeBlock-content">
<div class="bbCodeBlock-expandContent js-expandContent ">
$text
</div>
<div class="bbCodeBlock-expandLink js-expandLink"><a role="button" tabindex="0">Click to expand...</a></div>
</div>
</blockquote>""")  # noqa: E501

REACTIONS = Template("""
<ul class="reactionSummary"><li><span class="reaction reaction--small reaction--1" data-reaction-id="1"><img src="data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7" class="reaction-sprite js-reaction" alt="Like" title="Like" /></span></li></ul>
<span class="u-srOnly">Reactions:</span>
<a class="reactionsBar-link" href="/posts/$id/reactions" data-xf-click="overlay" data-cache="false" rel="nofollow">$names</a>
""")  # noqa: E501

ROW = Template("""<div class="structItem structItem--thread js-inlineModContainer js-threadListItem-$id" data-author="$author">
<div class="structItem-cell structItem-cell--main" data-xf-init="touch-proxy">
<div class="structItem-title"><a href="$url" class="" data-tp-primary="on" data-xf-init="preview-tooltip">$title</a></div>
<div class="structItem-minor"><ul class="structItem-parts">
<li><a href="/members/$member/" class="username " dir="auto" data-user-id="$user">$author</a></li>
<li class="structItem-startDate"><a href="$url" rel="nofollow">$started</a></li>
</ul></div>
</div>
<div class="structItem-cell structItem-cell--meta">
<dl class="pairs pairs--justified"><dt>Replies</dt><dd>$replies</dd></dl>
<dl class="pairs pairs--justified structItem-minor"><dt>Views</dt><dd>$views</dd></dl>
</div>
<div class="structItem-cell structItem-cell--latest"><a href="${url}latest" rel="nofollow">$latest</a>
<div class="structItem-minor"><a href="/members/$last_member/" class="username " dir="auto">$last_author</a></div></div>
</div>""")  # noqa: E501

NODE = Template("""<div class="node node--id$number node--forum node--read"><div class="node-body">
<div class="node-main js-nodeMain"><h3 class="node-title"><a href="$url" data-xf-init="element-tooltip">$name</a></h3>
<div class="node-meta"><div class="node-statsMeta"><dl class="pairs pairs--inline"><dt>Threads</dt><dd>$threads</dd></dl>
<dl class="pairs pairs--inline"><dt>Messages</dt><dd>$messages</dd></dl></div></div></div>
</div></div>""")  # noqa: E501

ROBOTS = """User-agent: *
Disallow: /account/
Disallow: /attachments/
Disallow: /goto/
Disallow: /login/
Disallow: /members/
Disallow: /posts/
Disallow: /search/
Disallow: /whats-new/
"""

View = Callable[[Forum, Ask, "re.Match[str]"], Answer]


def respond(forum: Forum, ask: Ask) -> Answer:
    """The answer to one request."""
    for pattern, view in ROUTES:
        if hit := pattern.fullmatch(ask.path):
            return view(forum, ask, hit)
    return _error(forum, ask, 404, "The requested page could not be found.")


def _error(forum: Forum, ask: Ask, status: int, text: str) -> Answer:
    main = f'<div class="blockMessage">{text}</div>'
    return _page(
        forum, ask, "Oops! We ran into some problems.", main, status=status, template="error"
    )


def _private(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    return _error(forum, ask, 403, "You must be logged-in to do that.")


def _robots(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    return plain(ROBOTS)


# Listings


def _index(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    nodes = "\n".join(_node(forum, number) for number in range(1, len(forum.categories) + 1))
    main = (
        f'<p>{escape(forum.description)}</p><div class="block block--category">'
        f'<div class="block-container"><div class="block-body">\n{nodes}\n</div></div></div>'
    )
    return _page(forum, ask, forum.name, main, template="forum_list")


def _node(forum: Forum, number: int) -> str:
    name = forum.categories[number - 1]
    topics = [topic for topic in forum.topics if topic.category == name]
    return NODE.substitute(
        number=number,
        url=_forum_path(name, number),
        name=escape(name),
        threads=len(topics),
        messages=sum(len(topic.messages) for topic in topics),
    )


def _forum(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    number = int(hit["id"])
    if not 0 < number <= len(forum.categories):
        return _error(forum, ask, 404, "The requested forum could not be found.")
    name = forum.categories[number - 1]
    home = _forum_path(name, number)
    topics = [topic for topic in forum.recent if topic.category == name]
    pages = -(-len(topics) // THREADS)
    page = int(hit["page"] or 1)
    if hit["slug"] != _slug(name) or page > pages:
        return moved(ask.base + _numbered(home, min(page, pages)))
    rows = "\n".join(_row(forum, topic) for topic in topics[(page - 1) * THREADS : page * THREADS])
    main = (
        f'{_page_nav(home, page, pages)}<div class="block"><div class="block-container">'
        f'<div class="structItemContainer">\n{rows}\n</div></div></div>'
    )
    keys = f'data-container-key="node-{number}"'
    head = _next(home, page, pages)
    return _page(forum, ask, name, main, template="forum_view", keys=keys, head=head)


def _row(forum: Forum, topic: Topic) -> str:
    first, last = topic.messages[0], topic.last
    return ROW.substitute(
        id=topic.id,
        url=_path(topic),
        title=escape(topic.title),
        author=escape(first.author),
        user=forum.members[first.author],
        member=_member(forum, first.author),
        started=_time(first.written),
        replies=len(topic.messages) - 1,
        views=51 * len(topic.messages) + topic.id % 83,
        latest=_time(last.written, "structItem-latestDate u-dt"),
        last_author=escape(last.author),
        last_member=_member(forum, last.author),
    )


# A thread


def _thread(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    topic = next((topic for topic in forum.topics if topic.id == int(hit["id"])), None)
    if topic is None:
        return _error(forum, ask, 404, "The requested thread could not be found.")
    home = _path(topic)
    pages = -(-len(topic.messages) // POSTS)
    page = int(hit["page"] or 1)
    canonical = _numbered(home, min(page, pages))
    if ask.path != canonical:
        return moved(ask.base + canonical)
    shown = topic.messages[(page - 1) * POSTS : page * POSTS]
    posts = "\n".join(_post(forum, topic, message) for message in shown)
    nav = _page_nav(home, page, pages)
    main = (
        f'<div class="block block--messages" data-type="post"><div class="block-outer">{nav}</div>'
        f'<div class="block-container lbContainer" data-lb-id="thread-{topic.id}">'
        f'<div class="block-body js-replyNewMessageContainer">\n{posts}\n</div></div>'
        f'<div class="block-outer block-outer--after">{nav}</div></div>'
    )
    number = forum.categories.index(topic.category) + 1
    return _page(
        forum,
        ask,
        topic.title,
        main,
        topic.changed,
        template="thread_view",
        keys=f'data-container-key="node-{number}" data-content-key="thread-{topic.id}"',
        head=_linked_data(forum, ask, topic) + _next(home, page, pages),
        crumb=_crumb(topic.category, number),
    )


def _permalink(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    """Post addresses redirect to the page of their thread."""
    wanted = int(hit.groupdict().get("post") or ask.number("id"))
    for topic in forum.topics:
        for place, message in enumerate(topic.messages):
            if message.id == wanted:
                page = _numbered(_path(topic), place // POSTS + 1)
                return moved(f"{ask.base}{page}#post-{wanted}")
    return _error(forum, ask, 404, "The requested post could not be found.")


def _post(forum: Forum, topic: Topic, message: Message) -> str:
    quotes = "".join(_quote(forum, topic, q.n, q.text) for q in message.quotes)
    return POST.substitute(
        id=message.id,
        n=message.n,
        author=escape(message.author),
        letter=escape(message.author[0].upper()),
        user=forum.members[message.author],
        member=_member(forum, message.author),
        url=f"{_path(topic)}post-{message.id}",
        written=_time(message.written),
        content=quotes + breaks(message.text),
        edited=_edited(message),
        signature=_signature(forum, message),
        active="is-active" if message.likes else "",
        reactions=_reactions(forum, message),
    )


def _quote(forum: Forum, topic: Topic, n: int, text: str) -> str:
    quoted = topic.message(n)
    return QUOTE.substitute(
        user=forum.members[quoted.author],
        author=escape(quoted.author),
        id=quoted.id,
        text=breaks(text),
    )


def _edited(message: Message) -> str:
    if message.edited is None:
        return ""
    return f'<div class="message-lastEdit">Last edited: {_time(message.edited)}</div>\n'


def _signature(forum: Forum, message: Message) -> str:
    text = forum.signatures.get(message.author)
    if not text:
        return ""
    return f'<aside class="message-signature"><div class="bbWrapper">{breaks(text)}</div></aside>\n'


def _reactions(forum: Forum, message: Message) -> str:
    """Three names, then a number, as the reactions bar prints who liked a post."""
    if not message.likes:
        return ""
    others = [name for name in forum.members if name != message.author]
    start = message.id % len(others)
    names = (others[start:] + others[:start])[: min(message.likes, 3)]
    bold = [f"<bdi>{escape(name)}</bdi>" for name in names]
    rest = message.likes - len(names)
    if rest > 0:
        bold.append(f"{rest} other person" if rest == 1 else f"{rest} others")
    listed = ", ".join(bold[:-1]) + " and " + bold[-1] if len(bold) > 1 else bold[0]
    return REACTIONS.substitute(id=message.id, names=listed)


def _linked_data(forum: Forum, ask: Ask, topic: Topic) -> str:
    first = topic.messages[0]
    data = {
        "@context": "https://schema.org",
        "@type": "DiscussionForumPosting",
        "@id": ask.base + _path(topic),
        "headline": topic.title,
        "articleBody": flat(first.text)[:200],
        "articleSection": topic.category,
        "author": {"@type": "Person", "name": first.author},
        "datePublished": first.written.isoformat(),
        "dateModified": topic.changed.isoformat(),
        "publisher": {"@type": "Organization", "name": forum.name},
    }
    text = json.dumps(data, ensure_ascii=False).replace("</", "<\\/")
    return f'<script type="application/ld+json">{text}</script>\n'


# Shared pieces


def _path(topic: Topic) -> str:
    return f"/threads/{topic.slug}.{topic.id}/"


def _forum_path(name: str, number: int) -> str:
    return f"/forums/{_slug(name)}.{number}/"


def _numbered(home: str, page: int) -> str:
    return f"{home}page-{page}" if page > 1 else home


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _member(forum: Forum, name: str) -> str:
    return f"{_slug(name)}.{forum.members[name]}"


def _time(moment: datetime, kind: str = "u-dt") -> str:
    day = f"{moment:%b} {moment.day}, {moment.year}"
    clock = f"{moment.hour % 12 or 12}:{moment:%M} {'AM' if moment.hour < 12 else 'PM'}"
    return (
        f'<time class="{kind}" dir="auto" datetime="{moment:%Y-%m-%dT%H:%M:%S}+0000" '
        f'data-time="{int(moment.timestamp())}" data-date-string="{day}" '
        f'data-time-string="{clock}" title="{day} at {clock}">{day}</time>'
    )


def _page_nav(home: str, page: int, pages: int) -> str:
    if pages < 2:
        return ""
    items = "".join(
        f'<li class="pageNav-page{" pageNav-page--current" if number == page else ""}">'
        f'<a href="{_numbered(home, number)}">{number}</a></li>'
        for number in range(1, pages + 1)
    )
    jump = (
        f'<a href="{_numbered(home, page + 1)}" class="pageNav-jump pageNav-jump--next">Next</a>'
        if page < pages
        else ""
    )
    return (
        '<nav class="pageNavWrapper pageNavWrapper--mixed"><div class="pageNav">'
        f'<ul class="pageNav-main">{items}</ul>{jump}</div></nav>'
    )


def _next(home: str, page: int, pages: int) -> str:
    return f'<link rel="next" href="{_numbered(home, page + 1)}" />\n' if page < pages else ""


def _crumb(name: str, number: int) -> str:
    home = _forum_path(name, number)
    return f'<li><a href="{home}"><span itemprop="name">{escape(name)}</span></a></li>'


def _page(
    forum: Forum,
    ask: Ask,
    heading: str,
    main: str,
    modified: datetime | None = None,
    status: int = 200,
    **parts: str,
) -> Answer:
    blank = {"keys": "", "head": "", "crumb": ""}
    return html_answer(
        PAGE,
        modified,
        status,
        title=heading if heading == forum.name else f"{heading} | {forum.name}",
        heading=escape(heading),
        site=escape(forum.name),
        canonical=escape(ask.base + ask.path),
        main=main,
        **(blank | parts),
    )


ROUTES: tuple[tuple[re.Pattern[str], View], ...] = tuple(
    (re.compile(pattern), view)
    for pattern, view in (
        (r"/", _index),
        (r"/robots\.txt", _robots),
        (r"/forums/(?:(?P<slug>[\w-]+)\.)?(?P<id>\d+)/?(?:page-(?P<page>\d+))?", _forum),
        (r"/threads/(?:[^/.]+\.)?(?P<id>\d+)/post-(?P<post>\d+)", _permalink),
        (r"/threads/(?:[^/.]+\.)?(?P<id>\d+)/?(?:page-(?P<page>\d+)|latest|unread)?", _thread),
        (r"/posts/(?P<post>\d+)/?", _permalink),
        (r"/goto/post", _permalink),
        (r"/(account|login|members|search|whats-new|posts)(/.*)?", _private),
    )
)
