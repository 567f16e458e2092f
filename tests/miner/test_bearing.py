"""Which sentences of an article bear evidence, on invented pages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from crawler.documents import Article, Source
from miner import promotions
from miner.bearing import is_bearing, is_nameable
from miner.evidence import from_article, of_articles
from miner.model import Claim, Evidence, Quote, Theme
from miner.text import sentences

PAGE = """Sore Elbows at Thirty

Wrist Curls

Slow wrist curls ease a tennis elbow within a season of patient work, most rowers find.

Do wrist curls help?

Set | Wrist curls with a dumb-bell | 3 x 12

References
1. Ottar B, Lund K. Wrist curls for the sore elbow. J Oars. 2017;4(2):11-19.
2. Curls and cures, a leaflet of the club."""


def page(text: str, site: str = "clinic.example") -> Article:
    """A page of nobody's."""
    source = Source(
        url=f"https://{site}/a",
        site=site,
        fetched=datetime(2026, 1, 1, tzinfo=UTC),
        engine="article",
    )
    return Article(source=source, title="A page", text=text)


def claims(article: Article, phrase: str) -> list[Claim]:
    """A claim wherever the phrase stands, as an extractor that sees it everywhere."""
    found = []
    for one in sentences(article.text):
        place = one.text.lower().find(phrase.lower())
        if place >= 0:
            quote = Quote(document=article.source.url, part="text", start=one.start, text=one.text)
            found.append(
                Claim(kind="remedy", phrase=one.text[place : place + len(phrase)],
                      phrase_start=one.start + place, quote=quote, voice="article")
            )  # fmt: skip
    return found


def read(article: Article, phrase: str, name: str = "") -> list[Evidence]:
    """Evidence of the page on the one theme whose claims hold the phrase."""
    own = claims(article, phrase)
    theme = Theme(id="t", kind="remedy", name=name or phrase, claims=tuple(c.id for c in own))
    return of_articles([article], own, [theme])


def test_headings_questions_tables_and_references_bear_nothing() -> None:
    """Of six places that name the thing one says something of it."""
    quotes = [e.quote.text for e in read(page(PAGE), "wrist curls") if e.quote]
    assert [text[:22] for text in quotes] == ["Slow wrist curls ease "]


@pytest.mark.parametrize(
    ("line", "bears"),
    [
        ("Benefits of Rest", False),
        ("Rest eases a sore heel.", True),
        ("• rest for a week", True),
        ("Okafor T, Brandt L. Rest for heels.", False),
        ("Rest | 2 weeks", False),
        ("Would rest ease it?", False),
    ],
)
def test_a_line_bears_by_its_form(line: str, bears: bool) -> None:
    """What a line looks like tells whether it claims."""
    text = f"About heels.\n\n{line}\n\nA heel carries the whole weight of a body at every step."
    start = text.index(line)
    assert is_bearing(text, start, start + len(line)) is bears


def test_a_body_part_is_nothing_one_tries_and_its_state_can_be_blamed() -> None:
    """A muscle is no remedy; a weak one may be a cause."""
    assert not is_nameable("the hamstring", "remedy")
    assert not is_nameable("like", "remedy")
    assert is_nameable("hamstring curls", "remedy")
    assert is_nameable("inflammation of the tendon", "cause")
    assert not is_nameable("the muscle", "cause")


def test_what_only_names_a_thing_is_no_evidence() -> None:
    """Somebody's word is needed that it helps or not, or that it is an option."""
    article = page("A splint is a piece of plastic. A splint may be prescribed. A splint helps.")
    found = read(article, "splint")
    assert [e.direction for e in found] == ["unclear", "supports"]


def test_a_diagnosis_is_evidence_on_nothing() -> None:
    """Who names an illness grades it not."""
    article = page("Runner's knee can cause such pain.")
    (one,) = claims(article, "Runner's knee")
    assert from_article(article, [replace(one, kind="diagnosis")], {one.id: "t"}) == []


def test_a_known_remedy_is_heard_by_its_bare_name_where_the_rest_is_on_the_page() -> None:
    """`Stretching` is the theme's calf stretch on a page about calves, on no other one."""
    theme = Theme(id="t", kind="remedy", name="calf stretching", claims=())
    calf = page("The calf pulls at the heel. Stretching eases it.")
    neck = page("The neck is stiff at a desk. Stretching eases it.")
    assert [e.theme for e in of_articles([calf], [], [theme])] == ["t"]
    assert of_articles([neck], [], [theme]) == []


def test_a_sport_by_its_bare_name_is_no_remedy() -> None:
    """Running is what one returns to, unless the extractor says that it was tried."""
    theme = Theme(id="t", kind="remedy", name="running", claims=())
    article = page("Most improve and are back at running after a month.")
    assert of_articles([article], [], [theme]) == []


SHOP = """Knees

A knee bends some thousand times on a day of walking.

Want to dance at the wedding?

Conquer your knee pain: slip into the Stridewell knee sleeve.
Its soft knit improves your day thrice:
• stairs without a wince
• a quieter night
Order yours now

A physiotherapist can tell a sprain from a tear."""


def test_the_whole_pitch_is_commercial_and_about_what_it_sells() -> None:
    """Lines of a block that do not name the product go on about it."""
    article = page(SHOP)
    own = promotions.claims(article)
    theme = Theme(id="t", kind="remedy", name="knee sleeve", claims=tuple(c.id for c in own))
    found = of_articles([article], own, [theme])
    quotes = {e.quote.text.split("\n")[0] for e in found if e.quote}
    assert {"Its soft knit improves your day thrice:", "• stairs without a wince"} <= quotes
    assert {e.source_type for e in found} == {"commercial"}
    assert not any("physiotherapist" in text or "thousand" in text for text in quotes)


def test_a_call_to_the_reader_is_about_what_was_sold_before() -> None:
    """An invitation at the foot of a page is part of the pitch; without one it is about nothing."""
    ask = "For a fitting on Monday, book a visit."
    article = page(f"Our knee brace helps you heal. Knees bend.\n\n{ask}")
    own = claims(article, "knee brace")
    theme = Theme(id="t", kind="remedy", name="knee brace", claims=tuple(c.id for c in own))
    found = of_articles([article], own, [theme])
    assert [e.source_type for e in found] == ["commercial", "commercial"]
    assert of_articles([page(ask)], [], [theme]) == []


@pytest.mark.parametrize(
    ("text", "phrase", "direction"),
    [
        ("Box jumps are the last thing anyone needs with a sore shin.", "Box jumps", "contradicts"),
        ("Fusion works well for wrists, but it remains a last resort.", "Fusion", "mixed"),
        ("When symptoms persist, or they do not settle overnight, try a boot.", "boot",
         "supports"),
        ("On a long flight a tight sock makes good sense.", "tight sock", "supports"),
        ("Take a look at the braces in the drawer.", "braces", ""),
    ],
)  # fmt: skip
def test_direction_of_what_takes_back_or_leads_in(text: str, phrase: str, direction: str) -> None:
    """`It` goes on about the thing; what the pain does before advice is no verdict on it."""
    assert [e.direction for e in read(page(text), phrase)] == ([direction] if direction else [])
