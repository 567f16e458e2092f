"""Forum software with pages in HTML: who wrote a page, one address a thread, dates, doors."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.documents import Post, Thread
from crawler.engines import engine
from crawler.engines.addresses import asked, is_private, without
from crawler.engines.dates import calendar_of, moment, spoken
from crawler.engines.markup import quotes_in_place
from crawler.page import Found, Page

PAGES = Path(__file__).parent / "pages"
BOARDS = (
    "fluxbb",
    "invision",
    "mybb",
    "phorum",
    "phpbb",
    "smf",
    "vanilla",
    "vbulletin",
    "xenforo",
)
CASES = sorted(case for name in BOARDS for case in (PAGES / name).iterdir())
NOW = datetime(2024, 9, 6, 12, 0, tzinfo=UTC)


def page_of(case: str, url: str = "") -> Page:
    """The page of a case, as if fetched from its own or another address."""
    folder = PAGES / case
    url = url or json.loads((folder / "expected.json").read_text(encoding="utf-8"))["url"]
    return Page(url=url, text=(folder / "input.html").read_text(encoding="utf-8"), fetched=NOW)


def name_of(case: Path) -> str:
    """`engine/case`."""
    return f"{case.parent.name}/{case.name}"


def read(case: str, url: str = "") -> Found:
    """What the engine of a case reads from its page."""
    return engine(case.partition("/")[0]).read(page_of(case, url))


def thread(case: str, url: str = "") -> Thread:
    """The thread of a case."""
    (document,) = read(case, url).documents
    assert isinstance(document, Thread)
    return document


def post(case: str, number: int = 0) -> Post:
    """One of the posts of a case."""
    return thread(case).posts[number]


@pytest.mark.parametrize("case", CASES, ids=name_of)
@pytest.mark.parametrize("other", BOARDS)
def test_software_claims_no_page_of_another(case: Path, other: str) -> None:
    """Software is told apart by the look of a page, with the same script names on both."""
    if case.parent.name != other:
        assert engine(other).recognises(page_of(name_of(case))) == 0.0


@pytest.mark.parametrize("name", BOARDS)
def test_talk_about_software_is_no_mark_of_it(name: str) -> None:
    """An article on forum software names them all and links to their makers."""
    links = (
        "simplemachines.org www.mybb.com phorum.org invisioncommunity.com vbulletin.com phpbb.com"
    )
    said = "".join(f'<a href="https://{link}/">{link}</a>' for link in links.split())
    text = f"<html><body><p>We tried phpBB, MyBB, SMF, vBulletin, XenForo. {said}</p></body></html>"
    page = Page(url="https://blog.example/forums", text=text, fetched=NOW)
    assert engine(name).recognises(page) == 0.0


@pytest.mark.parametrize(
    ("case", "urls", "expected"),
    [
        (
            "vbulletin/version-3",
            (
                "https://saddle.example/board/showthread.php?t=5120&page=2",
                "https://saddle.example/board/showthread.php?s=0f0f&t=5120",
                "https://saddle.example/board/showthread.php?p=90114#post90114",
            ),
            "https://saddle.example/board/showthread.php?t=5120",
        ),
        (
            "vbulletin/version-5",
            (
                "https://rotator.example/forum/shoulders/402-clicking-when-i-reach-up",
                "https://rotator.example/forum/shoulders/402-clicking-when-i-reach-up/page2?p=2775",
            ),
            "https://rotator.example/forum/shoulders/402-clicking-when-i-reach-up",
        ),
        (
            "smf/version-1",
            (
                "https://heel.example/mb/index.php?topic=51.30",
                "https://heel.example/mb/index.php?PHPSESSID=abc&topic=51.msg8831#msg8831",
                "https://heel.example/mb/index.php/topic,51.30.html",
                "https://heel.example/mb/index.php?board=4;topic=51.0;all",
            ),
            "https://heel.example/mb/index.php?topic=51.0",
        ),
        (
            "mybb/thread",
            (
                "https://ward.example/forum/thread-77.html",
                "https://ward.example/forum/thread-77-page-2.html",
                "https://ward.example/forum/showthread.php?tid=77&page=2",
                "https://ward.example/forum/showthread.php?tid=77&pid=611#pid611",
            ),
            "https://ward.example/forum/showthread.php?tid=77",
        ),
        (
            "invision/version-4",
            (
                "https://grip.example/community/topic/318-golfers-elbow-without-golf/",
                "https://grip.example/community/topic/318-an-older-title/?page=2",
                "https://grip.example/community/index.php?/topic/318-golfers-elbow/page/2/",
                "https://grip.example/community/index.php?showtopic=318&st=25",
            ),
            "https://grip.example/community/index.php?showtopic=318",
        ),
        (
            "vanilla/discussion",
            (
                "https://spike.example/forum/discussion/4410/jumpers-knee-off-season/p2",
                "https://spike.example/forum/discussion/4410",
                "https://spike.example/forum/discussion/comment/9002#Comment_9002",
            ),
            "https://spike.example/forum/discussion/4410",
        ),
        (
            "fluxbb/fluxbb",
            (
                "https://course.example/forum/viewtopic.php?id=88&p=2",
                "https://course.example/forum/viewtopic.php?pid=714#p714",
            ),
            "https://course.example/forum/viewtopic.php?id=88",
        ),
        (
            "phorum/emerald",
            (
                "https://knees.example/phorum/read.php?3,410",
                "https://knees.example/phorum/read.php?3,410,415#msg-415",
                "https://knees.example/phorum/read.php?3,410,page=2",
            ),
            "https://knees.example/phorum/read.php?3,410",
        ),
        (
            "phpbb/tables-3",
            (
                "https://szprychy.example/viewtopic.php?f=2&t=31",
                "https://szprychy.example/viewtopic.php?p=302#p302",
                "https://szprychy.example/kolano-na-rowerze-t31-10.html",
            ),
            "https://szprychy.example/viewtopic.php?t=31",
        ),
    ],
)
def test_thread_has_one_address_whatever_page_was_asked_for(
    case: str, urls: tuple[str, ...], expected: str
) -> None:
    """By number, by slug, by post, by page, with a session: one document."""
    assert {thread(case, url).source.url for url in urls} == {expected}


@pytest.mark.parametrize(
    ("listing", "threads"),
    [
        ("vbulletin/forum-3", "vbulletin/version-3"),
        ("smf/board", "smf/version-2-1"),
        ("mybb/forum", "mybb/thread"),
        ("invision/forum", "invision/version-4"),
        ("vanilla/list", "vanilla/discussion"),
        ("fluxbb/forum", "fluxbb/fluxbb"),
        ("phorum/list", "phorum/emerald"),
    ],
)
def test_list_names_a_thread_as_its_own_page_does(listing: str, threads: str) -> None:
    """Else a thread would be fetched again under its other name."""
    named = {link.thread for link in read(listing).links if link.role == "thread"}
    assert thread(threads).source.url in named


def test_links_kept_from_times_without_https_lead_to_the_same_threads() -> None:
    """A list that prints its own host with http names no second thread."""
    page = page_of("smf/board")
    old = Page(url=page.url, text=page.text.replace("https://", "http://"), fetched=NOW)
    now = {link.url for link in engine("smf").read(page).links}
    assert {link.url for link in engine("smf").read(old).links} == now


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_doors_to_persons_searches_and_forms_are_never_linked(case: Path) -> None:
    """Every page of the cases shows such doors; none is among the links."""
    assert not [link.url for link in read(name_of(case)).links if is_private(link.url)]


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/member.php?u=3",
        "https://a.example/forum/members/fern.12/",
        "https://a.example/memberlist.php?mode=viewprofile&u=2",
        "https://a.example/index.php?action=profile;u=5",
        "https://a.example/index.php?action=login",
        "https://a.example/search.php?do=getnew",
        "https://a.example/calendar.php",
        "https://a.example/ucp.php?mode=login",
        "https://a.example/profile/fern",
        "https://a.example/whats-new/posts/",
        "https://a.example/posting.php?mode=reply&t=1",
    ],
)
def test_address_of_a_person_or_a_form_is_private(url: str) -> None:
    """It is never followed."""
    assert is_private(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/forums/new-members-say-hello.12/",
        "https://a.example/viewforum.php?f=3",
        "https://a.example/index.php?board=3.0",
        "https://a.example/threads/search-for-a-good-brace.99/",
        "https://a.example/message_board/index.php?topic=1.0",
        "https://a.example/discussion/12/help-with-my-profile",
        "https://a.example/forum/forumdisplay.php?f=9",
        "https://a.example/misc/",
        "https://a.example/forum/online-physio/",
    ],
)
def test_forum_about_members_is_no_private_door(url: str) -> None:
    """Words in a title are no address."""
    assert not is_private(url)


@pytest.mark.parametrize(
    ("case", "own", "quoted"),
    [
        ("vbulletin/version-3", "ulnar nerve", "goes to sleep"),
        ("vbulletin/version-4", "Kürzere Schritte", "nur bergab"),
        ("smf/version-1", "frozen bottle", "going up"),
        ("mybb/thread", "rolled towel", "clicks to the left"),
        ("phpbb/tables-2", "four weeks", "Cast or brace"),
        ("phorum/emerald", "Half of it first", "since I raised it"),
    ],
)
def test_quote_is_no_word_of_its_quoter(case: str, own: str, quoted: str) -> None:
    """It is kept as an edge; only for comparison is it left in its place."""
    posts = thread(case).posts
    (one,) = (each for each in posts if own in each.text)
    assert quoted not in one.text
    assert quoted in one.quotes[0].text
    with quotes_in_place():
        assert any(own in each.text and quoted in each.text for each in thread(case).posts)


@pytest.mark.parametrize(
    ("case", "signature"),
    [
        ("vbulletin/version-3", "Slow is smooth"),
        ("vbulletin/version-4", "Aufwärts"),
        ("smf/version-1", "one step"),
        ("mybb/thread", "awake"),
        ("invision/version-4", "measure twice"),
        ("invision/ip-board-2", "send it"),
        ("fluxbb/fluxbb", "doucement"),
        ("phpbb/tables-2", "Powder or nothing"),
        ("phpbb/tables-3", "kręć lekko"),
        ("vanilla/discussion", "up and over"),
    ],
)
def test_signature_is_left_out(case: str, signature: str) -> None:
    """It stands on the page and in no post."""
    assert signature in page_of(case).text
    assert not [one for one in thread(case).posts if signature in one.text]


def test_member_since_is_no_date_of_a_post() -> None:
    """The day somebody joined stands nearer to the words than the day they were written."""
    assert post("vbulletin/version-3").written == datetime(2024, 8, 29, 23, 5, tzinfo=UTC)
    assert post("phpbb/tables-2").written == datetime(2005, 2, 14, 22, 11, tzinfo=UTC)


def test_post_recommended_at_the_top_is_read_once() -> None:
    """Some boards print a prized post twice."""
    text = page_of("invision/version-4").text
    start = text.index("<article id='elComment_9007'")
    prized = text[start : text.index("</article>", start) + len("</article>")]
    page = page_of("invision/version-4")
    twice = text.replace("<a id='comment-9001'>", prized + "<a id='comment-9001'>")
    again = Page(url=page.url, text=twice, fetched=NOW)
    (document,) = engine("invision").read(again).documents
    assert isinstance(document, Thread)
    assert sorted(one.id for one in document.posts) == ["9001", "9007"]


@pytest.mark.parametrize(
    ("text", "language", "printed", "expected"),
    [
        ("12-05-2020 and 25-05-2020", "en", "03-04-2020, 06:55 AM", "2020-04-03T06:55"),
        ("05-12-2020 and 05-25-2020", "en", "03-04-2020, 06:55 AM", "2020-03-04T06:55"),
        ("nothing tells", "en", "03-04-2020, 06:55 AM", "2020-03-04T06:55"),
        ("nothing tells", "en-gb", "03/04/2020 06:55", "2020-04-03T06:55"),
        ("nothing tells", "de", "03.04.2020, 06:55", "2020-04-03T06:55"),
        ("05/10/2024 is to come", "en", "03/04/2020 18:55", "2020-03-04T18:55"),
        ("10/05/2024 would be to come", "en", "03/04/2020 18:55", "2020-04-03T18:55"),
    ],
)
def test_page_tells_whether_the_day_comes_first(
    text: str, language: str, printed: str, expected: str
) -> None:
    """A first number above 12 is a day, and nobody has written tomorrow; else the language says."""
    when = calendar_of(text, now=NOW, language=language).moment(printed)
    assert when is not None
    assert when.isoformat(timespec="minutes") == f"{expected}+00:00"


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Today at 12:05:09 AM", "en", "2024-09-06T00:05"),
        ("« Réponse #1 le: 06 avril 2020, 13:28:03 »", "fr", "2020-04-06T13:28"),
        ("Hier à 10h15", "fr", "2024-09-05T10:15"),
        ("06 de Abril de 2020, 13:28:03 pm", "es", "2020-04-06T13:28"),
        ("Posted 04 April 2012 - 05:46 PM", "en", "2012-04-04T17:46"),
        ("I går kl. 10:15", "sv", "2024-09-05T10:15"),
        ("Вчера в 10:15", "ru", "2024-09-05T10:15"),
        ("April 16, 2020, 12:22:23 AM", "en", "2020-04-16T00:22"),
        ("12-Apr-2019 10:11", "", "2019-04-12T10:11"),
        ("Wed, 3 Sept 2019 at 9:05 p.m.", "en", "2019-09-03T21:05"),
    ],
)
def test_date_amid_the_words_of_a_forum_is_found(text: str, language: str, expected: str) -> None:
    """Labels, clocks of both kinds and yesterdays of many tongues."""
    when = moment(text, now=NOW, language=language)
    assert when is not None
    assert when.isoformat(timespec="minutes") == f"{expected}+00:00"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Das Knie ist nicht mehr dick und ich habe es mit Ruhe versucht, aber der Arzt", "de"),
        ("Le genou ne va pas mieux et les séances que je fais dans une salle pour vous", "fr"),
        ("The knee is not better and that is what I have for you in this post with ice", "en"),
        ("Колено не стало лучше, и это как раз то, что для меня было важно на тренировке", "ru"),
        ("12 34", ""),
    ],
)
def test_language_of_a_page_that_states_none_is_told_by_its_words(text: str, language: str) -> None:
    """Its dates are read in that language."""
    assert spoken(text) == language


def test_edit_is_told_by_the_clock_that_other_times_give_away() -> None:
    """A title without a zone stands beside a time that has one."""
    one = post("vanilla/discussion")
    assert one.edited is not None
    assert one.written is not None
    assert one.edited - one.written < timedelta(minutes=20)


def test_session_is_taken_out_of_an_address_and_the_rest_is_kept() -> None:
    """Also where the query is parted by semicolons."""
    assert (
        without("https://a.example/i.php?s=1&t=5&page=2#x") == "https://a.example/i.php?t=5&page=2"
    )
    assert asked("https://a.example/i.php?PHPSESSID=a&topic=5.0;all")["topic"] == "5.0"


@settings(max_examples=60, deadline=None)
@given(case=st.sampled_from(CASES), cut=st.floats(0.02, 0.98), width=st.integers(0, 400))
def test_page_with_a_hole_is_read_without_error(case: Path, cut: float, width: int) -> None:
    """What broke off in the middle of a tag or a table is no crash."""
    page = page_of(name_of(case))
    at = int(cut * len(page.text))
    for text in (page.text[:at], page.text[:at] + page.text[at + width :]):
        engine(case.parent.name).read(Page(url=page.url, text=text, fetched=NOW))


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60), st.sampled_from(["", "en", "de", "xx", "zh-cn"]))
def test_no_text_makes_the_reading_of_dates_fail(text: str, language: str) -> None:
    """It names a moment in UTC, or none."""
    when = moment(text, now=NOW, language=language)
    assert when is None or when.utcoffset() == timedelta(0)


@pytest.mark.shared
def test_posts_of_real_boards_are_found_with_name_and_date(shared: Path) -> None:
    """On saved pages of this software every post is found once."""
    gold = found = named = dated = 0
    for path in sorted((shared / "pages" / "web-forum-52").glob("*.json")):
        saved = json.loads(path.read_text(encoding="utf-8"))
        page = Page(url=saved["url"], text=saved["html"], fetched=NOW)
        name = next((name for name in BOARDS if engine(name).recognises(page)), None)
        if name is None:
            continue
        posts = [one for doc in engine(name).read(page).documents for one in _posts(doc)]
        rows = saved["gold_standard_annotation"]
        gold += sum(1 for row in rows if row.get("post_text"))
        found += len({one.id for one in posts})
        named += sum(one.author is not None for one in posts)
        dated += sum(one.written is not None for one in posts)
    assert gold > 400
    assert found == gold == named == dated


def _posts(document: object) -> tuple[Post, ...]:
    return document.posts if isinstance(document, Thread) else ()


def test_quote_in_a_frame_of_its_own_is_no_one_elses_words() -> None:
    """Skins of vBulletin 3 draw the frame without a table."""
    quote = (
        '<div style="margin:20px"><div class="smallfont">Quote:</div><div>Originally Posted by'
        ' <strong>fern</strong> <a href="showthread.php?p=41#post41">View Post</a></div>'
        '<div class="postquote" style="border:1px inset">Ice it for a week.</div></div>'
    )
    page = (
        '<html><head><meta name="generator" content="vBulletin 3.8.7"></head><body>'
        '<table id="post42"><tr><td class="thead">04-05-2019, 10:11 AM</td></tr><tr><td>'
        '<a class="bigusername" href="member.php?u=3">moss</a></td></tr><tr><td>'
        f'<div id="post_message_42">{quote}Ice did nothing for me.</div></td></tr></table></body>'
    )
    url = "https://heel.example/showthread.php?t=9"
    (thread,) = engine("vbulletin").read(Page(url=url, text=page, fetched=NOW)).documents
    assert isinstance(thread, Thread)
    (only,) = thread.posts
    assert only.text == "Ice did nothing for me."
    assert [(q.author, q.post, q.text) for q in only.quotes] == [
        ("fern", "41", "Ice it for a week.")
    ]


def test_writer_without_a_link_is_named() -> None:
    """Boards that hide profiles from guests print the bare name among the writer's facts."""
    page = (
        "<html><body id='ipboard_body'><script>ipb.vars['x']=1</script>"
        "<div class='post_block' id='post_id_42'><div class='author_info'><ul><li>Newbie</li>"
        "<li class='author'> moss </li><li class='post_count'>6 posts</li></ul></div>"
        "<div class='post_body'><p class='posted_info'>Posted <abbr class='published'"
        " title='2019-04-05T10:11:00+00:00'>05 April 2019 - 10:11 AM</abbr></p>"
        "<div class='post entry-content'><p>My heel hurts at dawn.</p></div></div></div></body>"
    )
    url = "https://heel.example/topic/9-heel/"
    (thread,) = engine("invision").read(Page(url=url, text=page, fetched=NOW)).documents
    assert isinstance(thread, Thread)
    assert [(p.author, p.text) for p in thread.posts] == [("moss", "My heel hurts at dawn.")]
