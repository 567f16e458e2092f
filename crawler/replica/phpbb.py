"""A forum as phpBB 3 serves it in the prosilver style. Values in and out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from html import escape
from string import Template

from crawler.replica.answer import Answer, Ask, html_answer, plain
from crawler.replica.content import Forum, Message, Topic
from crawler.replica.markup import breaks

__all__ = ["POSTS", "TOPICS", "respond"]

TOPICS = 25
POSTS = 10

PAGE = Template("""<!DOCTYPE html>
<html dir="ltr" lang="en-gb">
<head>
<meta charset="utf-8" />
<meta http-equiv="X-UA-Compatible" content="IE=edge">
<meta name="viewport" content="width=device-width, initial-scale=1" />
<title>$title</title>
$canonical<!--
	phpBB style name: prosilver
	Based on style:   prosilver (this is the default phpBB3 style)
-->
<style>$css</style>
</head>
<body id="phpbb" class="nojs notouch section-$section ltr ">
<div id="wrap" class="wrap">
<a id="top" class="top-anchor" accesskey="t"></a>
<div id="page-header">
<div class="headerbar" role="banner"><div class="inner">
<div id="site-description" class="site-description">
<a id="logo" class="logo" href="./index.php" title="Board index"><span class="site_logo"></span></a>
<h1>$site</h1>
<p>$description</p>
<p class="skiplink"><a href="#start_here">Skip to content</a></p>
</div></div></div>
<div class="navbar" role="navigation"><div class="inner">
<ul id="nav-breadcrumbs" class="nav-breadcrumbs linklist navlinks" role="menubar">
<li class="breadcrumbs"><span class="crumb"><a href="./index.php" accesskey="h"><span>Board index</span></a></span>$crumb</li>
</ul></div></div>
</div>
$notice
<a id="start_here" class="anchor"></a>
<div id="page-body" class="page-body" role="main">
$main
</div>
<div id="page-footer" class="page-footer" role="contentinfo">
<div class="navbar" role="navigation"><div class="inner">
<ul id="nav-footer" class="nav-footer linklist" role="menubar"><li>All times are <span title="UTC">UTC</span></li></ul>
</div></div>
<div class="copyright"><p class="footer-row"><span class="footer-copyright">Powered by <a href="https://www.phpbb.com/">phpBB</a>&reg; Forum Software &copy; phpBB Limited</span></p></div>
</div>
</div>
</body>
</html>
""")  # noqa: E501

POST = Template("""<div id="p$id" class="post has-profile bg$stripe">
<div class="inner">
<dl class="postprofile" id="profile$id">
<dt class="no-profile-rank no-avatar">
<div class="avatar-container"></div>
<a href="./memberlist.php?mode=viewprofile&amp;u=$user" class="username">$author</a></dt>
<dd class="profile-posts"><strong>Posts:</strong> <a href="./search.php?author_id=$user&amp;sr=posts">$count</a></dd>
</dl>
<div class="postbody">
<div id="post_content$id">
<h3 $first><a href="#p$id">$title</a></h3>
<ul class="post-buttons"><li><a href="./posting.php?mode=quote&amp;p=$id" title="Reply with quote" class="button button-icon-only"><i class="icon fa-quote-left fa-fw" aria-hidden="true"></i><span class="sr-only">Quote</span></a></li></ul>
<p class="author">
<a class="unread" href="./viewtopic.php?p=$id#p$id" title="Post"><i class="icon fa-file fa-fw icon-lightgray icon-md" aria-hidden="true"></i><span class="sr-only">Post</span></a>
<span class="responsive-hide">by <strong><a href="./memberlist.php?mode=viewprofile&amp;u=$user" class="username">$author</a></strong> &raquo; </span>$written
</p>
<div class="content">$content</div>
$edited$signature</div>
</div>
<div class="back2top"><a href="#top" class="top" title="Top"><span class="sr-only">Top</span></a></div>
</div>
</div>
<hr class="divider" />""")  # noqa: E501

QUOTE = Template("""<blockquote><div><cite><a href="./memberlist.php?mode=viewprofile&amp;u=$user">$author</a> wrote: <a href="./viewtopic.php?p=$id#p$id" data-post-id="$id" onclick="if(document.getElementById(hash.substr(1)))href=hash">↑</a><div class="responsive-hide">$written</div></cite>$text</div></blockquote>
""")  # noqa: E501

EDITED = Template("""<div class="notice">
Last edited by <a href="./memberlist.php?mode=viewprofile&amp;u=$user" class="username">$author</a> on $edited, edited 1 time in total.
</div>
""")  # noqa: E501

ROW = Template("""<li class="row bg$stripe">
<dl class="row-item topic_read">
<dt title="No unread posts"><div class="list-inner">
<a href="./viewtopic.php?t=$id" class="topictitle">$title</a><br />
$pages<div class="topic-poster responsive-hide left-box">by <a href="./memberlist.php?mode=viewprofile&amp;u=$user" class="username">$author</a> &raquo; $written</div>
</div></dt>
<dd class="posts">$replies <dfn>Replies</dfn></dd>
<dd class="views">$views <dfn>Views</dfn></dd>
<dd class="lastpost"><span><dfn>Last post </dfn>by <a href="./memberlist.php?mode=viewprofile&amp;u=$last_user" class="username">$last_author</a>
<a href="./viewtopic.php?p=$last_id#p$last_id" title="Go to last post"><i class="icon fa-external-link-square fa-fw icon-lightgray icon-md" aria-hidden="true"></i></a><br />$last_written</span></dd>
</dl>
</li>""")  # noqa: E501

FORUM = Template("""<li class="row">
<dl class="row-item forum_read">
<dt title="No unread posts"><div class="list-inner"><a href="./viewforum.php?f=$number" class="forumtitle">$name</a></div></dt>
<dd class="topics">$topics <dfn>Topics</dfn></dd>
<dd class="posts">$posts <dfn>Posts</dfn></dd>
<dd class="lastpost"><span><dfn>Last post</dfn> <a href="./viewtopic.php?p=$last_id#p$last_id" class="lastsubject">$last_title</a> $last_written</span></dd>
</dl>
</li>""")  # noqa: E501

ROBOTS = """User-agent: *
Disallow: /adm/
Disallow: /memberlist.php
Disallow: /posting.php
Disallow: /search.php
Disallow: /ucp.php
"""

View = Callable[[Forum, Ask], Answer]


def respond(forum: Forum, ask: Ask) -> Answer:
    """The answer to one request."""
    return VIEWS.get(ask.path, _missing)(forum, ask)


def _missing(forum: Forum, ask: Ask) -> Answer:
    main = '<div class="panel" id="message"><h2>Information</h2><p>Not found.</p></div>'
    return _page(forum, "Information", main, status=404)


def _no_topic(forum: Forum) -> Answer:
    text = "The requested topic does not exist."
    main = f'<div class="panel" id="message"><h2>Information</h2><p>{text}</p></div>'
    return _page(forum, "Information", main, status=404)


def _private(forum: Forum, ask: Ask) -> Answer:
    text = "You are not authorised to read this page."
    main = f'<div class="panel" id="message"><h2>Information</h2><p>{text}</p></div>'
    return _page(forum, "Information", main, status=403)


def _robots(forum: Forum, ask: Ask) -> Answer:
    return plain(ROBOTS)


# The board and its forums


def _index(forum: Forum, ask: Ask) -> Answer:
    rows = "\n".join(_forum_row(forum, number) for number in range(1, len(forum.categories) + 1))
    main = (
        '<div class="forabg"><div class="inner"><ul class="topiclist forums">'
        f"\n{rows}\n</ul></div></div>"
    )
    return _page(forum, f"{forum.name} - Index page", main, section="index")


def _forum_row(forum: Forum, number: int) -> str:
    topics = _topics(forum, number)
    return FORUM.substitute(
        number=number,
        name=escape(forum.categories[number - 1]),
        topics=len(topics),
        posts=sum(len(topic.messages) for topic in topics),
        last_id=topics[0].last.id,
        last_title=escape(topics[0].title),
        last_written=stamp(topics[0].last.written),
    )


def _topics(forum: Forum, number: int) -> list[Topic]:
    name = forum.categories[number - 1]
    return [topic for topic in forum.recent if topic.category == name]


def _forum(forum: Forum, ask: Ask) -> Answer:
    number = ask.number("f")
    if not 0 < number <= len(forum.categories):
        return _missing(forum, ask)
    topics = _topics(forum, number)
    start = ask.number("start")
    home = f"./viewforum.php?f={number}"
    rows = "\n".join(
        _row(forum, topic, stripe) for stripe, topic in enumerate(topics[start : start + TOPICS])
    )
    bar = _pagination(f"{len(topics)} topics", home, start, len(topics), TOPICS)
    name = escape(forum.categories[number - 1])
    main = (
        f'<h2 class="forum-title"><a href="{home}">{name}</a></h2>'
        f'<div class="action-bar bar-top">{bar}</div>'
        f'<div class="forumbg"><div class="inner"><ul class="topiclist topics">\n{rows}\n'
        f'</ul></div></div><div class="action-bar bar-bottom">{bar}</div>'
    )
    title = f"{forum.categories[number - 1]} - {forum.name}"
    return _page(forum, title, main, section="viewforum", crumb=_crumb(forum, number))


def _row(forum: Forum, topic: Topic, stripe: int) -> str:
    first, last = topic.messages[0], topic.last
    links = _numbers(f"./viewtopic.php?t={topic.id}", -1, len(topic.messages), POSTS)
    pages = f'<div class="pagination"><ul>{links}</ul></div>' if len(topic.messages) > POSTS else ""
    return ROW.substitute(
        id=topic.id,
        stripe=stripe % 2 + 1,
        title=escape(topic.title),
        pages=pages,
        user=forum.members[first.author],
        author=escape(first.author),
        written=stamp(first.written),
        replies=len(topic.messages) - 1,
        views=37 * len(topic.messages) + topic.id % 89,
        last_user=forum.members[last.author],
        last_author=escape(last.author),
        last_id=last.id,
        last_written=stamp(last.written),
    )


# A topic


def _topic(forum: Forum, ask: Ask) -> Answer:
    """The page of a topic by `t` and `start`, or the page that holds post `p`."""
    topic, start = _wanted(forum, ask)
    if topic is None:
        return _no_topic(forum)
    start = min(start, len(topic.messages) - 1) // POSTS * POSTS
    shown = topic.messages[start : start + POSTS]
    home = f"./viewtopic.php?t={topic.id}"
    bar = _pagination(f"{len(topic.messages)} posts", home, start, len(topic.messages), POSTS)
    posts = "\n".join(_post(forum, topic, message) for message in shown)
    main = (
        f'<h2 class="topic-title"><a href="{home}">{escape(topic.title)}</a></h2>\n'
        f'<div class="action-bar bar-top">{bar}</div>\n{posts}\n'
        f'<div class="action-bar bar-bottom">{bar}</div>'
    )
    offset = f"&amp;start={start}" if start else ""
    address = f"{ask.base}/viewtopic.php?t={topic.id}{offset}"
    number = forum.categories.index(topic.category) + 1
    page = f" - Page {start // POSTS + 1}" if start else ""
    return _page(
        forum,
        f"{topic.title}{page} - {forum.name}",
        main,
        topic.changed,
        section="viewtopic",
        canonical=f'<link rel="canonical" href="{address}">\n',
        crumb=_crumb(forum, number),
    )


def _wanted(forum: Forum, ask: Ask) -> tuple[Topic | None, int]:
    if post := ask.number("p"):
        for topic in forum.topics:
            for place, message in enumerate(topic.messages):
                if message.id == post:
                    return topic, place
        return None, 0
    number = ask.number("t")
    found = next((topic for topic in forum.topics if topic.id == number), None)
    return found, ask.number("start")


def _post(forum: Forum, topic: Topic, message: Message) -> str:
    user = forum.members[message.author]
    first = message is topic.messages[0]
    return POST.substitute(
        id=message.id,
        stripe=message.n % 2 + 1,
        user=user,
        author=escape(message.author),
        count=_count(forum, message.author),
        first='class="first"' if first else "",
        title=escape(topic.title if first else f"Re: {topic.title}"),
        written=stamp(message.written),
        content="".join(_quote(forum, topic, q.n, q.text) for q in message.quotes)
        + breaks(message.text),
        edited=_edited(message, user),
        signature=_signature(forum, message),
    )


def _count(forum: Forum, author: str) -> int:
    return sum(message.author == author for topic in forum.topics for message in topic.messages)


def _quote(forum: Forum, topic: Topic, n: int, text: str) -> str:
    quoted = topic.message(n)
    return QUOTE.substitute(
        user=forum.members[quoted.author],
        author=escape(quoted.author),
        id=quoted.id,
        written=stamp(quoted.written),
        text=breaks(text),
    )


def _edited(message: Message, user: int) -> str:
    if message.edited is None:
        return ""
    author = escape(message.author)
    return EDITED.substitute(user=user, author=author, edited=stamp(message.edited))


def _signature(forum: Forum, message: Message) -> str:
    text = forum.signatures.get(message.author)
    return f'<div id="sig{message.id}" class="signature">{breaks(text)}</div>\n' if text else ""


# Shared pieces


def stamp(moment: datetime) -> str:
    """A date as phpBB's default format prints it: `Tue Mar 02, 2021 9:14 am`."""
    hour = moment.hour % 12 or 12
    half = "am" if moment.hour < 12 else "pm"
    return f"{moment:%a %b %d, %Y} {hour}:{moment:%M} {half}"


def _pagination(total: str, home: str, start: int, count: int, size: int) -> str:
    pages = max(1, -(-count // size))
    now = start // size
    if pages == 1:
        inner = "&bull; Page <strong>1</strong> of <strong>1</strong>"
        return f'<div class="pagination">{total} {inner}</div>'
    following = (
        f'<li class="arrow next"><a class="button button-icon-only" rel="next" role="button" '
        f'href="{home}&amp;start={(now + 1) * size}"><span class="sr-only">Next</span></a></li>'
        if now + 1 < pages
        else ""
    )
    numbers = _numbers(home, now, count, size)
    return f'<div class="pagination">{total} <ul>{numbers}{following}</ul></div>'


def _numbers(home: str, now: int, count: int, size: int) -> str:
    return "".join(_number(home, page, now, size) for page in range(-(-count // size)))


def _number(home: str, page: int, now: int, size: int) -> str:
    if page == now:
        return f'<li class="active"><span>{page + 1}</span></li>'
    offset = f"&amp;start={page * size}" if page else ""
    return f'<li><a class="button" href="{home}{offset}" role="button">{page + 1}</a></li>'


def _crumb(forum: Forum, number: int) -> str:
    name = escape(forum.categories[number - 1])
    return (
        f'<span class="crumb" data-forum-id="{number}">'
        f'<a href="./viewforum.php?f={number}"><span>{name}</span></a></span>'
    )


def _page(
    forum: Forum,
    title: str,
    main: str,
    modified: datetime | None = None,
    status: int = 200,
    **parts: str,
) -> Answer:
    blank = {"section": "message_body", "canonical": "", "crumb": ""}
    return html_answer(
        PAGE,
        modified,
        status,
        **(blank | parts),
        title=title,
        site=escape(forum.name),
        description=escape(forum.description),
        main=main,
    )


VIEWS: Mapping[str, View] = {
    "/": _index,
    "/index.php": _index,
    "/viewforum.php": _forum,
    "/viewtopic.php": _topic,
    "/robots.txt": _robots,
    "/memberlist.php": _private,
    "/posting.php": _private,
    "/search.php": _private,
    "/ucp.php": _private,
}
