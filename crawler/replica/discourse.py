"""A forum as Discourse serves it: JSON beside HTML in the crawler layout. Values in and out.

What it answers where follows Discourse's own controllers: topics, lists, posts, search, robots.txt.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace
from urllib.parse import urlencode

from crawler.replica.answer import Answer, Ask, chunk, json_answer, moved, plain
from crawler.replica.content import Forum, Message, Topic
from crawler.replica.discourse_html import (
    category_page,
    listing_page,
    lost_page,
    note_page,
    topic_page,
)
from crawler.replica.discourse_json import (
    SEARCHED,
    TOPICS,
    categories,
    details,
    found,
    latest_post,
    post,
    slug,
    summary,
    top_tags,
    topic_list,
)

__all__ = ["respond", "robots"]

POSTS = 20
"""Posts of a page of a topic."""
FEED = 50
"""Posts of a page of `/posts.json`."""
MARKDOWN = 100
"""Posts of a page of `/raw`."""
SEARCH_PAGES = 10

MISSING = "The requested URL or resource could not be found."
FORBIDDEN = "You are not permitted to view the requested resource."
DELETED = "This topic has been deleted."
STRANGER = "You need to be logged in to do that."
LOST = "Oops! That page doesn’t exist or is private."

CLOSED_PATHS = (
    "/admin/", "/auth/", "/assets/browser-update*.js", "/email/", "/search", "/session",
    "/user-api-key", "/*?api_key*", "/*?*api_key*",
)  # fmt: skip
CLOSED_BUT_TO_GOOGLE = ("/badges", "/my", "/tag/*/l", "/g", "/t/*/*.rss", "/c/*.rss")

View = Callable[[Forum, Ask, "re.Match[str]"], Answer]


def respond(forum: Forum, ask: Ask) -> Answer:
    """The answer to one request; JSON errors for `.json` paths, a page for the others."""
    folder = forum.setup.folder
    if ask.path == "/robots.txt":
        return robots(forum)
    if folder and ask.path != folder and not ask.path.startswith(f"{folder}/"):
        return plain("404 Not Found\n", 404)
    ask = replace(ask, path=ask.path.removeprefix(folder) or "/", base=ask.base + folder)
    if forum.setup.login_required and not OPEN.fullmatch(ask.path):
        return _stranger(forum, ask)
    for pattern, view in ROUTES:
        if hit := pattern.fullmatch(ask.path):
            return view(forum, ask, hit)
    return _missing(forum, ask)


# What is not there, or not for everybody


def _is_json(ask: Ask) -> bool:
    return ask.path.endswith(".json")


def _refused(
    forum: Forum, ask: Ask, status: int, kind: str, text: str, *, is_topic: bool = False
) -> Answer:
    if not _is_json(ask):
        return lost_page(forum, ask, text if status == 410 else LOST, status)
    data: dict[str, object] = {"errors": [text], "error_type": kind}
    if is_topic:
        html = f'<div class="page-not-found"><h1 class="title">{LOST}</h1></div>'
        data["extras"] = {"title": "Page Not Found", "html": html, "group": None}
    return json_answer(data, status)


def _missing(forum: Forum, ask: Ask, *, is_topic: bool = False) -> Answer:
    return _refused(forum, ask, 404, "not_found", MISSING, is_topic=is_topic)


def _stranger(forum: Forum, ask: Ask) -> Answer:
    if _is_json(ask):
        return _refused(forum, ask, 403, "not_logged_in", STRANGER)
    return moved(f"{ask.base}/login", 302)


def _absent(forum: Forum, ask: Ask, number: int) -> Answer:
    """What stands where a topic was or may not be seen."""
    detailed = forum.setup.detailed_404
    heir = number
    while heir in forum.permalinks:
        heir = forum.permalinks[heir]
    if topic := forum.by_id.get(heir):
        return moved(f"{ask.base}/t/{topic.slug}/{topic.id}")
    if detailed and number in forum.deleted:
        return _refused(forum, ask, 410, "not_found", DELETED, is_topic=True)
    if detailed and number in forum.private:
        return _refused(forum, ask, 403, "invalid_access", FORBIDDEN, is_topic=True)
    return _missing(forum, ask, is_topic=True)


# Listings


def _latest(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    return _listing(forum, ask, forum.recent, "/latest")


def _category(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    number = int(hit["id"])
    if not 0 < number <= len(forum.categories):
        return _missing(forum, ask)
    name = forum.categories[number - 1]
    home = f"/c/{slug(name)}/{number}"
    if hit["slug"] != slug(name):
        return moved(ask.base + ask.path.replace(f"/c/{hit['slug']}/", f"/c/{slug(name)}/"))
    topics = [topic for topic in forum.recent if topic.category == name]
    return _listing(forum, ask, topics, f"{home}/l/latest")


def _tag(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    topics = [topic for topic in forum.recent if hit["tag"] in topic.tags]
    if not topics:
        return _missing(forum, ask)
    return _listing(forum, ask, topics, f"/tag/{hit['tag']}/l/latest")


def _listing(forum: Forum, ask: Ask, topics: Sequence[Topic], home: str) -> Answer:
    page = ask.number("page")
    shown = _shown(_ordered(topics, ask), page)
    kept = {name: ask.word(name) for name in ("ascending", "order") if ask.word(name)}
    # As Discourse does: a full page names a next one, which may turn out to be empty.
    more = len(shown) == TOPICS
    query = urlencode({**kept, "no_definitions": "true", "page": page + 1})
    following = f"{forum.setup.folder}{home}?{query}" if more else None
    data = topic_list(forum, shown, following)
    if _is_json(ask):
        return json_answer(data)
    following = f"{forum.setup.folder}{home}?page={page + 1}" if more else None
    return listing_page(forum, ask, shown, following, data)


def _ordered(topics: Sequence[Topic], ask: Ask) -> Sequence[Topic]:
    """The topics in the order asked for; pinned ones are first where none is."""
    keys: dict[str, Callable[[Topic], object]] = {
        "created": lambda topic: topic.messages[0].written,
        "activity": lambda topic: topic.bumped_at,
        "posts": lambda topic: len(topic.messages),
    }
    key = keys.get(ask.word("order"))
    if key is None:
        return sorted(topics, key=lambda topic: not topic.pinned)
    return sorted(topics, key=key, reverse=ask.word("ascending") != "true")  # type: ignore[arg-type]


def _shown(topics: Sequence[Topic], page: int) -> Sequence[Topic]:
    return chunk(topics, page, TOPICS)


# A topic


def _topic(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    number = int(hit["id"])
    topic = forum.by_id.get(number)
    if topic is None:
        return _absent(forum, ask, number)
    is_json = _is_json(ask)
    home = f"{ask.base}/t/{topic.slug}/{topic.id}"
    page = ask.number("page")
    count = len(topic.messages)
    if page > 1 and (page - 1) * POSTS >= count:
        last = (count - 1) // POSTS + 1
        return moved(f"{home}{'.json' if is_json else ''}{f'?page={last}' if last > 1 else ''}")
    if (hit["slug"] is not None or not is_json) and hit["slug"] != topic.slug:
        return moved(_corrected(home, ask, hit["post"], is_json=is_json))
    if ask.word("print") == "true":
        return _refused(forum, ask, 403, "invalid_access", FORBIDDEN, is_topic=True)
    near = int(hit["post"] or 0)
    start = _near(topic, near) if near > 1 else (max(page, 1) - 1) * POSTS
    shown = topic.messages[start : start + POSTS]
    answer = _topic_answer(forum, ask, topic, shown, near or 1)
    if not topic.listed:
        answer = replace(answer, headers={**answer.headers, "X-Robots-Tag": "noindex"})
    return answer


def _corrected(home: str, ask: Ask, near: str | None, *, is_json: bool) -> str:
    """The right address of a topic; of the query, what Discourse keeps."""
    kept = {name: ask.word(name) for name in ("page", "print") if ask.word(name)}
    url = home + (f"/{near}" if near and int(near) > 0 else "") + (".json" if is_json else "")
    return f"{url}?{urlencode(kept)}" if kept else url


def _near(topic: Topic, number: int) -> int:
    """Where a page of posts begins that shows message `number` and a quarter before it."""
    numbers = [message.n for message in topic.messages]
    place = min(bisect_left(numbers, number), len(numbers) - 1)
    return max(0, min(place - POSTS // 4, len(numbers) - POSTS))


def _topic_answer(
    forum: Forum, ask: Ask, topic: Topic, shown: Sequence[Message], current: int
) -> Answer:
    stream: dict[str, object] = {"posts": [post(forum, topic, message) for message in shown]}
    is_mega = len(topic.messages) >= forum.setup.mega
    if is_mega:
        stream |= {
            "isMegaTopic": True,
            "firstId": topic.messages[0].id,
            "lastId": topic.last.id,
        }
    else:
        stream["stream"] = list(topic.stream)
    data = {
        "post_stream": stream,
        **({} if is_mega else {"timeline_lookup": [[1, 0]]}),
        **summary(forum, topic),
        "word_count": sum(len(message.text.split()) for message in shown),
        "user_id": forum.members[topic.messages[0].author],
        "deleted_at": None,
        "current_post_number": current,
        "chunk_size": POSTS,
        "details": details(forum, topic),
    }
    if _is_json(ask):
        return json_answer(data)
    page = (topic.stream.index(shown[-1].id) + POSTS) // POSTS
    more = topic.stream[-1] != shown[-1].id
    return topic_page(forum, ask, topic, shown, page + 1 if more else None, data)


def _topic_posts(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    """Posts by id, or around a number; without either the first chunk, as Discourse does."""
    topic = forum.by_id.get(int(hit["id"]))
    if topic is None:
        return _absent(forum, ask, int(hit["id"]))
    posts = [post(forum, topic, message) for message in _asked(topic, ask)]
    return json_answer({"post_stream": {"posts": posts}, "id": topic.id})


def _asked(topic: Topic, ask: Ask) -> Sequence[Message]:
    wanted = {int(number) for number in ask.query.get("post_ids[]", ()) if number.isdecimal()}
    if wanted:
        places = [place for place, number in enumerate(topic.stream) if number in wanted]
        return [topic.messages[place] for place in places]
    number = ask.number("post_number", -1)
    if number < 0:
        return topic.messages[:POSTS]
    numbers = [message.n for message in topic.messages]
    if ask.word("asc") == "true":
        start = bisect_left(numbers, number + 1)
        return topic.messages[start : start + POSTS]
    end = bisect_left(numbers, number)
    return list(reversed(topic.messages[max(0, end - POSTS) : end]))


def _post_ids(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    topic = forum.by_id.get(int(hit["id"]))
    if topic is None:
        return _absent(forum, ask, int(hit["id"]))
    after = ask.number("post_number")
    return json_answer({"post_ids": [m.id for m in topic.messages if m.n > after]})


def _by_slug(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    for topic in forum.topics:
        if topic.slug == hit["slug"]:
            home = f"{ask.base}/t/{topic.slug}/{topic.id}"
            return moved(_corrected(home, ask, None, is_json=_is_json(ask)))
    return _missing(forum, ask, is_topic=True)


# Posts


def _feed(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    """The newest posts of the whole forum, or those before a given one."""
    ids = list(forum.homes)
    before = ask.number("before")
    if not before:
        numbers = ids
    elif forum.setup.old_feed:
        numbers = [number for number in ids if before - FEED < number <= before]
    else:
        numbers = ids[: bisect_left(ids, before)]
    rows: list[object] = []
    for number in reversed(numbers):
        topic = forum.by_id[forum.homes[number]]
        message = topic.post(number)
        if topic.listed and message.kind == 1 and not message.hidden:
            rows.append(latest_post(forum, topic, message))
        if len(rows) == FEED:
            break
    return json_answer({"latest_posts": rows})


def _post(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    home = forum.homes.get(int(hit["id"]))
    if home is None:
        return _missing(forum, ask)
    topic = forum.by_id[home]
    return json_answer(latest_post(forum, topic, topic.post(int(hit["id"]))))


def _short_link(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    home = forum.homes.get(int(hit["id"]))
    if home is None:
        return _missing(forum, ask)
    topic = forum.by_id[home]
    n = topic.post(int(hit["id"])).n
    return moved(f"{ask.base}/t/{topic.slug}/{topic.id}" + (f"/{n}" if n > 1 else ""), 302)


def _raw(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    topic = forum.by_id.get(int(hit["id"]))
    if topic is None:
        return _missing(forum, ask)
    shown = chunk(topic.messages, max(ask.number("page", 1), 1) - 1, MARKDOWN)
    parts = [
        f"{message.author} | {message.written:%Y-%m-%d %H:%M:%S} UTC | #{message.n}\n\n"
        f"{message.text}\n\n-------------------------\n\n"
        for message in shown
    ]
    return plain("".join(parts))


# Search


def _search(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    term, page = ask.word("q"), ask.word("page")
    if term and len(term) < forum.setup.shortest_term:
        return _noindex(_bad("You supplied invalid parameters to the request: q"))
    if page and (not page.isdecimal() or str(int(page)) != page):
        return _noindex(_bad("You supplied invalid parameters to the request."))
    if int(page or 1) > SEARCH_PAGES:
        text = "page parameter must not be greater than 10"
        return _noindex(_bad(f"You supplied invalid parameters to the request: {text}"))
    if not _is_json(ask):
        return _noindex(note_page(forum, ask, "Search", "<h1>Search</h1>"))
    words = term.lower().split()
    hits: list[tuple[Topic, Message]] = []
    for topic in forum.recent if words else ():
        for message in topic.messages:
            text = f"{topic.title} {message.text}".lower()
            if not message.hidden and all(word in text for word in words):
                hits.append((topic, message))
                break
    shown = chunk(hits, int(page or 1) - 1, SEARCHED)
    return _noindex(json_answer(found(forum, shown, term)))


def _bad(text: str) -> Answer:
    return json_answer({"errors": [text], "error_type": "invalid_parameters"}, 400)


def _noindex(answer: Answer) -> Answer:
    return replace(answer, headers={**answer.headers, "X-Robots-Tag": "noindex"})


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
    rows = categories(forum)
    if _is_json(ask):
        return json_answer({"category_list": {"can_create_category": False, "categories": rows}})
    return category_page(forum, ask, rows)


def _tags(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    counts = dict.fromkeys(top_tags(forum), 0)
    for topic in forum.recent:
        for tag in topic.tags:
            counts[tag] += 1
    rows = [{"id": tag, "text": tag, "name": tag, "count": n} for tag, n in counts.items()]
    return json_answer({"tags": rows, "extras": {"categories": []}})


def _about(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    about = {"title": forum.name, "description": forum.description, "version": "3.6.0.beta2"}
    return json_answer({"about": about} if "about" in ask.path else about)


def robots(forum: Forum) -> Answer:
    """The rules, at the root of the host wherever the forum lies."""
    setup = forum.setup
    if not setup.indexed:
        return plain(
            f"User-agent: googlebot\nAllow: {setup.folder}/\nDisallow: {setup.folder}/uploads/*\n\n"
            f"User-agent: *\nDisallow: {setup.folder}/\n"
        )
    lines = [
        "# See http://www.robotstxt.org/robotstxt.html for documentation on how to use the "
        "robots.txt file",
        "#",
        "User-agent: *",
    ]
    if setup.crawl_delay:
        lines.append(f"Crawl-delay: {setup.crawl_delay}")
    lines += [f"Disallow: {setup.folder}{path}" for path in CLOSED_PATHS + CLOSED_BUT_TO_GOOGLE]
    lines += ["", "", "User-agent: Googlebot"]
    lines += [f"Disallow: {setup.folder}{path}" for path in CLOSED_PATHS]
    return plain("\n".join([*lines, "", "", ""]))


def _robots(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    """Inside a folder, where nobody looks for it."""
    return robots(forum)


def _login(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    fields = '<input type="text" name="login"><input type="password" name="password">'
    main = f'<h1>Log In</h1><form action="{forum.setup.folder}/session">{fields}</form>'
    return note_page(forum, ask, "Log In", main)


def _private(forum: Forum, ask: Ask, hit: re.Match[str]) -> Answer:
    """Member pages are not for visitors."""
    return json_answer({"errors": [STRANGER], "error_type": "not_logged_in"}, 403)


OPEN = re.compile(r"/login|/(about|site/basic-info)\.json|/srv/status")
SLUG = r"(?P<slug>(?=[^\Wa-zA-Z_]*+[a-zA-Z_-])[\w-]++)"
ROUTES: tuple[tuple[re.Pattern[str], View], ...] = tuple(
    (re.compile(pattern), view)
    for pattern, view in (
        (r"/|/latest(\.json)?", _latest),
        (r"/robots\.txt", _robots),
        (r"/site\.json", _site),
        (r"/(about|site/basic-info)\.json", _about),
        (r"/categories(\.json)?", _category_list),
        (r"/tags\.json", _tags),
        (r"/c/(?P<slug>[\w-]+)/(?P<id>\d+)(/l/latest)?(\.json)?", _category),
        (r"/tag/(?P<tag>[\w-]+)(/l/latest)?(\.json)?", _tag),
        (r"/t/(?P<id>\d+)/posts\.json", _topic_posts),
        (r"/t/(?P<id>\d+)/post_ids\.json", _post_ids),
        (rf"/t/(?:{SLUG}/)?(?P<id>\d+)(?:/(?P<post>\d+))?(?:\.json)?", _topic),
        (rf"/t/{SLUG}(?:\.json)?", _by_slug),
        (r"/posts\.json", _feed),
        (r"/posts/(?P<id>\d+)\.json", _post),
        (r"/p/(?P<id>\d+)", _short_link),
        (r"/raw/(?P<id>\d+)", _raw),
        (r"/search(\.json)?", _search),
        (r"/login", _login),
        (r"/(u|my|admin)(/.*|\.json)?", _private),
    )
)
