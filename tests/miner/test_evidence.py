"""Sentences of articles as evidence, on invented pages."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crawler.documents import Article, Reference, Source
from miner import credentials, directions, promotions
from miner.contradictions import article_agreement
from miner.directions import direction
from miner.evidence import from_article, of_articles
from miner.grades import UNLISTED
from miner.library import About, LibraryStudy, by_identifier
from miner.mentions import Wordings, mentions
from miner.model import Claim, Evidence, Kind, Quote, Theme
from miner.text import sentences

SHOP = """Heel Pain Explained

The plantar fascia is a band of tissue under the foot.

Icing the heel after a run eases the pain for many hours.

Tired of limping to the kitchen every morning?

The only way to end it is by wearing the Solemate night sleeve.
Warm tissue heals faster, as it increases blood flow.
  • no side effects
Order yours today

Most people recover within a year."""


def article(text: str, **rest: Any) -> Article:
    """A page of nobody's."""
    site = rest.pop("site", "clinic.example")
    source = Source(
        url=f"https://{site}/a",
        site=site,
        fetched=datetime(2026, 1, 1, tzinfo=UTC),
        engine="article",
    )
    return Article(source=source, title=rest.pop("title", "A page"), text=text, **rest)


def claim(page: Article, phrase: str, kind: Kind = "remedy", **rest: Any) -> Claim:
    """A claim as an extractor gives it: the phrase where it first stands, its line as the quote."""
    place = page.text.index(phrase)
    start = page.text.rfind("\n", 0, place) + 1
    end = page.text.find("\n", place) % (len(page.text) + 1)
    quote = Quote(document=page.source.url, part="text", start=start, text=page.text[start:end])
    return Claim(kind=kind, phrase=phrase, phrase_start=place, quote=quote, voice="article", **rest)


def read(text: str, phrase: str, kind: Kind = "remedy", **rest: Any) -> Evidence:
    """The evidence of one claim of one page."""
    page = article(text, **rest)
    one = claim(page, phrase, kind)
    (found,) = from_article(page, [one], {one.id: "t"})
    return found


def test_block_between_heading_and_button_is_commercial_and_the_rest_is_not() -> None:
    """Structure marks the promotion: every sentence of it, and none around it."""
    assert read(SHOP, "Solemate night sleeve").source_type == "commercial"
    assert read(SHOP, "Warm tissue").source_type == "commercial"
    assert read(SHOP, "Icing the heel").source_type == "unsupported"
    promised = " ".join(c.quote.text for c in promotions.claims(article(SHOP)))
    assert "Most people recover" not in promised


def test_button_without_a_promise_makes_no_promotion() -> None:
    """A hospital page with a plain link under a section sells nothing."""
    text = "Treatment\n\nRest helps most people with a sore heel.\n\nLearn more"
    assert promotions.blocks(text) == []


def test_sentence_with_a_time_promise_sells_by_itself() -> None:
    """The end of the pain within days is a promise even without a button."""
    found = read("See how I ended my elbow pain in just 5 days with the Grip Plan!", "Grip Plan")
    assert found.source_type == "commercial"
    assert "time_promise" in found.flags


def test_time_of_healing_is_no_promise() -> None:
    """How long a thing takes may be said by anyone."""
    found = read("A strained calf heals in 6 to 8 weeks with rest.", "rest")
    assert found.source_type == "unsupported"
    assert "time_promise" not in found.flags


def test_promotion_becomes_a_remedy_named_by_its_product() -> None:
    """What a block promises is a claim, so that a theme can show it as commercial."""
    phrases = [c.phrase for c in promotions.claims(article(SHOP))]
    assert phrases == ["Solemate night sleeve"]
    page = article(SHOP)
    for found in promotions.claims(page):
        place = found.phrase_start
        assert page.text[place : place + len(found.phrase)] == found.phrase
        assert page.text[found.quote.start : found.quote.end] == found.quote.text


def test_promise_without_a_product_is_named_by_its_time() -> None:
    """A time promise alone still becomes a claim."""
    page = article(
        "Back To Running\n\nFind out how I fixed my knee pain in only 10 days!\n\nShow me how"
    )
    assert [c.phrase for c in promotions.claims(page)] == ["in only 10 days"]


def test_shop_that_praises_its_own_goods_is_commercial() -> None:
    """The site's name carries the product; a trade in the name does not count."""
    text = "Toe spacers ease a joint that leans."
    assert read(text, "Toe spacers", site="happytoespacers.example").source_type == "commercial"
    assert read(text, "Toe spacers", site="feet.example").source_type == "unsupported"
    treated = read("Massage helps a tight calf.", "Massage", site="city-massage.example")
    assert treated.source_type == "unsupported"


def test_sentence_that_names_a_datable_study_is_a_study() -> None:
    """A year with a trial is a source; its design and people come from the words."""
    found = read(
        "A 2014 randomised trial of 84 runners found that heel drops reduced pain.", "heel drops"
    )
    assert (found.source_type, found.design, found.n, found.year) == ("study", "rct", 84, 2014)
    assert found.direction == "supports"


def test_study_without_a_design_is_unknown_and_flagged() -> None:
    """What the words do not say stays unknown."""
    found = read("One study on rowers found that rib taping eased the pain.", "rib taping")
    assert (found.source_type, found.design) == ("study", "unknown_study")
    assert "design_unknown" in found.flags


def test_sentence_that_goes_on_about_the_authors_belongs_to_the_study_before() -> None:
    """`The authors` are those of the source just named; without one they are nobody."""
    text = "A 2011 paper looked at swimmers. The authors suggest band work for the shoulder."
    found = read(text, "band work")
    assert (found.source_type, found.year) == ("study", 2011)
    alone = read("The authors suggest band work for the shoulder.", "band work")
    assert alone.source_type == "unsupported"


def test_treated_people_are_a_study() -> None:
    """A number of people who were treated is a source, though nobody is named."""
    found = read(
        "Twelve of 30 climbers were treated with ring splints and improved.", "ring splints"
    )
    assert (found.source_type, found.n) == ("study", 30)


@pytest.mark.parametrize(
    "text",
    [
        "Scientific evidence suggests that cupping helps.",
        "Studies have shown that cupping helps.",
        "Research clearly shows that cupping helps.",
    ],
)
def test_evidence_without_a_source_is_vague_and_unsupported(text: str) -> None:
    """Talk of evidence is none."""
    found = read(text, "cupping")
    assert (found.source_type, "vague_evidence" in found.flags) == ("unsupported", True)


def test_vague_words_with_a_reference_are_a_study_with_its_doi() -> None:
    """A footnote digit leads to the reference, and the study counts as itself."""
    page = article(
        "Studies show that cupping eases the neck.2",
        references=(Reference(text="One"), Reference(text="Two", doi="10.1000/AB")),
    )
    one = claim(page, "cupping")
    known = by_identifier([record("cupping", registry="nct7", doi="10.1000/AB")])
    (found,) = from_article(page, [one], {one.id: "t"}, known)
    assert (found.source_type, found.doi, found.study) == ("study", "10.1000/ab", "nct7 10.1000/ab")


def record(topic: str, *, about: str = "neck pain", **facts: Any) -> LibraryStudy:
    """A record of a made-up study."""
    finding = About(topic=topic, also=(), condition=about, question="benefit")
    known: dict[str, Any] = {
        "design": "rct",
        "direction": "no_effect",
        "n": 61,
        "flags": ("high_rob",),
    }
    return LibraryStudy(
        **{**known, "id": "r", "citation": "R", "finding": "F", "about": (finding,), **facts}
    )


def cite(text: str, phrase: str, *records: LibraryStudy, **rest: Any) -> list[Evidence]:
    """Evidence of a sentence with footnotes, each to a record of the library in its order."""
    references = tuple(Reference(text=f"Paper {s.doi}", doi=s.doi) for s in records)
    page = article(text, references=references, **rest)
    one = replace(claim(page, phrase), condition="heel")
    return from_article(page, [one], {one.id: "t"}, by_identifier(records))


def test_cited_study_of_the_library_speaks_by_its_record() -> None:
    """Design, people, direction, flags and condition are the record's, not the sentence's."""
    known = record("cupping", doi="10.1000/a", about="a rash of nobody's")
    (found,) = cite(
        "A case series of 9 rowers shows that cupping eases pain [1].", "cupping", known
    )
    assert (found.design, found.n, found.direction) == ("rct", 61, "no_effect")
    assert found.condition == UNLISTED
    assert "high_rob" in found.flags


def test_cited_study_on_another_topic_leaves_the_authors_word() -> None:
    """A footnote to a trial of something else lifts nothing."""
    known = record("leeches", doi="10.1000/a")
    text = "A trial in 2011 shows that cupping eases pain [1]."
    assert [e.source_type for e in cite(text, "cupping", known)] == ["unsupported"]
    assert [e.source_type for e in cite(text, "cupping", known, credential="DC")] == ["expert"]


def test_sentence_that_goes_on_about_a_cited_study_is_of_that_study() -> None:
    """`The authors` are those of the footnote before."""
    known = record("cupping", doi="10.1000/a")
    text = "A 2011 paper looked at swimmers [1]. The authors say that cupping works."
    assert [(e.study, e.n) for e in cite(text, "cupping", known)] == [("10.1000/a", 61)]


def test_record_about_the_condition_of_the_article_goes_first() -> None:
    """Of several findings on a topic the one on the sentence's condition speaks."""
    names = {"achilles": "Achilles tendinopathy", "low-back": "low back pain"}
    both = tuple(
        About(topic="cupping", also=(), condition=name, question="benefit")
        for name in names.values()
    )
    known = record("cupping", doi="10.1000/a")
    page = article(
        "A trial showed that cupping helps [1].", references=(Reference(text="P", doi="10.1000/a"),)
    )
    for condition in names:
        one = replace(claim(page, "cupping"), condition=condition)
        studies = by_identifier([replace(known, about=both)])
        (found,) = from_article(page, [one], {one.id: "t"}, studies)
        assert found.condition == condition


def test_each_cited_reference_is_evidence_of_its_own() -> None:
    """Lists and ranges of footnotes; what the words say of one study is not said of three."""
    text = "Trials of 40 people show that cupping eases pain [1, 3-4]."
    known = [record("cupping", id=str(n), doi=f"10.1000/{n}", n=n) for n in range(1, 5)]
    assert [e.n for e in cite(text, "cupping", *known)] == [1, 3, 4]
    page = article(text, references=tuple(Reference(text=f"Paper {'abcd'[n]}") for n in range(4)))
    one = claim(page, "cupping")
    found = from_article(page, [one], {one.id: "t"})
    assert len({e.id for e in found}) == 3
    assert {e.n for e in found} == {None}


def test_doi_in_a_sentence_keeps_the_brackets_that_are_closed() -> None:
    """A bracket around a DOI is none of it."""
    text = "A trial (doi:10.1000/s01(18)9-x) shows that cupping eases pain."
    assert read(text, "cupping").doi == "10.1000/s01(18)9-x"


@pytest.mark.parametrize(
    "text",
    ["Many rowers have found cupping useful.", "I had cupping for a month and my neck was fine."],
)
def test_experience_is_an_anecdote(text: str) -> None:
    """What many have found, and the first person, are stories; a credential does not lift them."""
    assert read(text, "cupping", credential="DPT").source_type == "anecdote"


def test_first_person_that_only_announces_is_no_anecdote() -> None:
    """`I'm going to explain` tells nothing of one's own."""
    found = read("I’m going to explain why cupping is not helping.", "cupping", credential="DC")
    assert (found.source_type, found.direction) == ("expert", "contradicts")


@pytest.mark.parametrize(
    "text",
    [
        "Bracing makes sense, as a stiff wrist rests the tendon.",
        "The tendon is too deep for bracing to reach it.",
        "Bracing works by taking the load off the joint.",
    ],
)
def test_explicit_mechanism_goes_before_the_credential(text: str) -> None:
    """A reason why it should work is not an expert's finding."""
    word = "Bracing" if "Bracing" in text else "bracing"
    assert read(text, word, credential="MD").source_type == "mechanism"


def test_credential_makes_an_expert_and_its_lack_unsupported() -> None:
    """The same sentence with and without a health credential."""
    text = "Bracing helps a sore wrist."
    assert read(text, "Bracing", credential="OT").source_type == "expert"
    assert read(text, "Bracing", author="Ana Ruiz, DPT").source_type == "expert"
    assert read(text, "Bracing", author="Ana Ruiz").source_type == "unsupported"


def test_box_about_the_author_gives_the_credential_and_no_evidence() -> None:
    """A list of services in it grades nothing."""
    text = (
        "Bracing helps a sore wrist.\n\nMore text on wrists.\n\n"
        "Dr. Lena Ortiz DC is a chiropractor in Springfield. She uses cupping and taping."
    )
    page = article(text)
    assert credentials.of(page) == "DC"
    listed = claim(page, "cupping")
    assert from_article(page, [listed], {listed.id: "t"}) == []


def test_services_on_offer_are_no_evidence() -> None:
    """What a clinic offers says nothing of what it does."""
    page = article("Dry cupping and taping are used in our clinic.", credential="DC")
    one = claim(page, "taping")
    assert from_article(page, [one], {one.id: "t"}) == []


def test_page_that_praises_its_own_named_product_is_commercial_throughout() -> None:
    """A named product and an order make a sales page; what it says of rivals is its word too."""
    text = (
        "Icing weakens the tendon.\n\nThe Velora Heel Wrap warms it. The Heel Wrap is light. "
        "Wear the Heel Wrap at night.\n\nOrder now and sleep well."
    )
    assert read(text, "Icing").source_type == "commercial"
    assert read("Icing weakens the tendon. We like wraps.", "Icing").source_type == "unsupported"
    assert [c.phrase for c in promotions.claims(article(text))] == ["Heel Wrap"]


def test_person_quoted_in_the_body_is_not_the_author() -> None:
    """A doctor's name in a sentence does not make the page an expert's."""
    text = "Wrist pain is common.\n\n" + "Plain words about wrists. " * 30
    text += "\n\nMaria Bell, MD, says that bracing helps.\n\n" + "More plain words here. " * 60
    assert credentials.of(article(text)) is None


def test_by_line_with_a_trade_is_a_credential() -> None:
    """Who is a physiotherapist by the page's own words is an expert."""
    text = "Bracing helps.\n\nBy Tom Reed\nTom Reed is a senior physiotherapist and coach."
    assert credentials.of(article(text)) == "physiotherapist"


def test_flags_hedge_absolute_superlative() -> None:
    """Flags say how it is said; they change no level."""
    assert read("Bracing may help.", "Bracing").flags == ("hedged",)
    assert read("Bracing always helps.", "Bracing").flags == ("absolute",)
    assert read("Bracing is the best treatment.", "Bracing").flags == ("superlative",)


def test_quote_is_the_stored_text() -> None:
    """Curly quotes and bullets are read, never rewritten."""
    page = article("Options include:\n• “Bracing” isn’t enough\n• taping")
    claims = [claim(page, "Bracing"), claim(page, "taping")]
    for found in from_article(page, claims, {c.id: c.phrase for c in claims}):
        assert found.quote is not None
        assert page.text[found.quote.start : found.quote.end] == found.quote.text


def test_claim_without_a_theme_is_no_evidence() -> None:
    """A rejected claim has no theme."""
    page = article("Bracing helps.")
    assert from_article(page, [claim(page, "Bracing")], {}) == []


# --- direction --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "target", "kind", "expected"),
    [
        ("Taping eases the pain.", "Taping", "remedy", "supports"),
        ("Taping isn't going to fix a torn tendon.", "Taping", "remedy", "contradicts"),
        ("Taping can delay your recovery.", "Taping", "remedy", "contradicts"),
        ("Taping has not been shown to help.", "Taping", "remedy", "unclear"),
        ("There is little evidence for taping.", "taping", "remedy", "unclear"),
        ("Taping made no difference to pain.", "Taping", "remedy", "no_effect"),
        ("Taping is one of the things people ask about.", "Taping", "remedy", "unclear"),
        ("Does taping help?", "taping", "remedy", "unclear"),
        ("Your doctor may prescribe taping.", "taping", "remedy", "unclear"),
        ("Taping may be used to relieve the pain.", "Taping", "remedy", "supports"),
        ("Surgery is seldom needed.", "Surgery", "remedy", "contradicts"),
        ("Avoid taping in the first week.", "taping", "remedy", "contradicts"),
        ("Rest helps, but taping does not work.", "taping", "remedy", "contradicts"),
        ("Rest helps, but taping does not work.", "Rest", "remedy", "supports"),
        ("Taping helps at first, but taping will not fix it.", "Taping", "remedy", "mixed"),
        ("If the pain does not improve, try taping.", "taping", "remedy", "supports"),
        ("Follow each run with taping.", "taping", "remedy", "supports"),
        ("Bracing reduced pain sooner than taping.", "taping", "remedy", "unclear"),
        ("Bracing reduced pain sooner than taping.", "Bracing", "remedy", "supports"),
        ("Most get better without taping.", "taping", "remedy", "unclear"),
        ("Taping is not known to be harmful.", "Taping", "remedy", "unclear"),
        ("Those who taped did not improve more than the rest.", "taped", "remedy", "no_effect"),
        ("Avoid running and rest your leg.", "rest", "remedy", "supports"),
        ("Avoid taping and stretching in the first week.", "stretching", "remedy", "contradicts"),
        ("If the pain gets worse, try taping.", "taping", "remedy", "supports"),
        ("Taping is done for labral tears and bruises.", "Taping", "remedy", "unclear"),
        ("Taping makes the joint tighter.", "Taping", "remedy", "contradicts"),
        ("Tape had no link to pain, while load did.", "load", "cause", "supports"),
        ("It is often caused by worn shoes.", "worn shoes", "cause", "supports"),
        ("It is not caused by worn shoes.", "worn shoes", "cause", "contradicts"),
        ("Nobody knows whether worn shoes are to blame.", "worn shoes", "cause", "unclear"),
        ("There is no link between worn shoes and pain.", "worn shoes", "cause", "contradicts"),
        ("Taping brought no lasting benefit.", "Taping", "remedy", "no_effect"),
        ("Taping eases it with no side effects.", "Taping", "remedy", "supports"),
        ("Taping has no place in the care of a sore wrist.", "Taping", "remedy", "contradicts"),
        ("Wear it at your bench.", "bench", "remedy", "unclear"),
        ("Wear a splint at night.", "splint", "remedy", "supports"),
        ("Those who swam fared no worse than those in a cast.", "cast", "remedy", "unclear"),
        ("Swimmers did as well as the group put in a cast.", "cast", "remedy", "unclear"),
        ("Taping is no better than a cast.", "cast", "remedy", "unclear"),
        ("Taping is no better than a cast.", "Taping", "remedy", "no_effect"),
        ("A helmet that is too tight hurts the neck.", "helmet", "remedy", "unclear"),
        ("The wrong pillow can hurt your neck.", "pillow", "remedy", "unclear"),
        ("An untreated wrist can damage the thumb.", "wrist", "remedy", "unclear"),
        (
            "Those who kept rowing did as well as those who rested from it.",
            "it",
            "cause",
            "unclear",
        ),
        ("Massage lowers how stiff arms feel after rowing.", "rowing", "cause", "unclear"),
        ("Begin with hops from a low box.", "low box", "cause", "unclear"),
        ("After rowing, drink water.", "rowing", "cause", "unclear"),
        ("The band pulls the arm back and gravel strains nobody.", "gravel", "cause", "unclear"),
        ("Wrist pain from rowing is common.", "rowing", "trigger", "supports"),
        ("My elbow pain came on after rowing.", "rowing", "cause", "supports"),
        ("Rowers should stretch, because typing inflames it.", "Rowers", "cause", "unclear"),
        (
            "Rowing is hard to give up, but it can irritate the wrist.",
            "Rowing",
            "cause",
            "supports",
        ),
        ("Rowing is blamed, but nobody knows whether it matters.", "Rowing", "cause", "unclear"),
    ],
)
def test_direction_is_what_the_sentence_says(
    text: str, target: str, kind: Any, expected: str
) -> None:
    """Toward: the remedy works, the cause causes. Silence and doubt are unclear."""
    assert direction(text, target, kind)[0] == expected


def test_list_item_takes_the_direction_of_its_lead_in() -> None:
    """A bare item says what the line with the colon says."""
    found = read("Known causes of it include:\n• worn shoes\n• hard floors", "hard floors", "cause")
    assert found.direction == "supports"
    assert "include" not in found.flags


# --- mentions ---------------------------------------------------------------------------------

THEMES = [
    Theme(id="r", kind="remedy", name="calf taping", claims=()),
    Theme(id="s", kind="remedy", name="taping", claims=()),
]


def named(page: Article, *themes: Theme) -> list[tuple[str, str]]:
    """Which theme a sentence of the page names, and in which words."""
    return [(theme, one.phrase) for theme, one in mentions(page, Wordings.of(themes, {}))]


def test_sentence_that_names_a_theme_is_found_by_its_longest_wording() -> None:
    """A more special theme takes the words from a general one."""
    page = article("Calf taping eases it. Tape is cheap. Taping the knee helps.")
    assert named(page, *THEMES) == [("r", "Calf taping"), ("s", "Taping")]


def test_mention_meets_short_forms_and_skips_small_words() -> None:
    """`taping the calf` and `taping your calf` are one wording."""
    page = article("Taping your calf helps.")
    one = Theme(id="r", kind="remedy", name="taping my calf", claims=())
    assert named(page, one) == [("r", "Taping your calf")]


def test_part_of_the_body_names_no_remedy() -> None:
    """A remedy called `heel` is not spoken of wherever a heel is; a trigger called so is."""
    page = article("The heel hurts.")
    assert named(page, Theme(id="r", kind="remedy", name="heel", claims=())) == []
    assert named(page, Theme(id="t", kind="trigger", name="heel", claims=())) == [("t", "heel")]


def test_cause_that_is_only_named_is_no_evidence() -> None:
    """What is called a cause elsewhere is none in a sentence that does not blame it."""
    page = article("Gravel is a kind of road.")
    one = claim(page, "Gravel", "cause")
    assert from_article(page, [one], {one.id: "t"}) == []
    pages = [article("Gravel is a kind of road. Gravel can irritate the wrist.")]
    found = of_articles(pages, [], [Theme(id="c", kind="cause", name="gravel", claims=())])
    assert [e.direction for e in found] == ["supports"]


def test_common_word_alone_names_no_theme() -> None:
    """A theme called `treatment` is not spoken of wherever the word stands."""
    page = article("Treatment helps.")
    assert named(page, Theme(id="r", kind="remedy", name="treatment", claims=())) == []


def test_missed_sentence_becomes_evidence_only_where_it_says_which_way() -> None:
    """What merely names a theme proves nothing."""
    pages = [
        article("Taping is blue. Taping helps.", site="a.example"),
        article("Taping?", site="b.example"),
    ]
    found = of_articles(pages, [], THEMES)
    assert [(e.theme, e.direction) for e in found] == [("s", "supports")]


def test_claimed_sentence_is_not_counted_again_as_a_mention() -> None:
    """One sentence is one piece of evidence of a theme."""
    page = article("Taping helps a lot.")
    one = claim(page, "Taping")
    theme = Theme(id="s", kind="remedy", name="taping", claims=(one.id,))
    assert len(of_articles([page], [one], [theme])) == 1


# --- measured on material beside the checkout --------------------------------------------------


@pytest.mark.shared
def test_directions_hold_on_labelled_articles(shared: Path) -> None:
    """At least 85 % of the labelled sentences get the direction two readers gave them."""
    with (shared / "gold" / "article_claims.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    texts = {
        path.stem: json.loads(path.read_text("utf-8"))["text"]
        for path in (shared / "gold" / "articles").glob("*.json")
    }
    plain = {"supports": "supports", "contradicts": "contradicts", "no_effect": "contradicts"}
    right = []
    for row in (row for row in rows if row["kind"] != "none"):
        place = texts[row["article_id"]].find(row["exact_quote"])
        around = (s for s in sentences(texts[row["article_id"]]) if s.start <= place < s.end)
        text = next((s.text for s in around), row["exact_quote"])
        way = direction(text, row["target"], row["kind"])[0]  # type: ignore[arg-type]
        right.append(plain.get(way, "neutral") == row["direction"])
    assert sum(right) / len(right) >= 0.85


@pytest.mark.shared
def test_first_articles_contest_stretching_and_sell_two_things(shared: Path) -> None:
    """Articles of the first import contradict each other; what one of them sells is commercial."""
    pages = [
        article(path.read_text("utf-8"), site="import", title=path.stem)
        for path in sorted((shared / "seeds").glob("00[0-3]*.txt"))
    ]
    pages = [
        replace(page, source=replace(page.source, url=f"import:{n}"))
        for n, page in enumerate(pages)
    ]
    theme = Theme(id="s", kind="remedy", name="stretching", claims=())
    spoken = of_articles(pages, [], [theme])
    assert article_agreement(spoken) == "contested"
    sold = [(page, c) for page in pages for c in promotions.claims(page)]
    assert len(sold) == 2
    for page, one in sold:
        (found,) = from_article(page, [one], {one.id: "t"})
        assert found.source_type == "commercial"


def test_a_pattern_for_one_thing_is_made_only_where_a_cue_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To make one takes longer than to search a page; what is as long is not taken for it."""
    made = list[str]()
    pattern = directions._pattern

    def counted(side: str, group: str, target: str) -> Any:
        made.append(target)
        return pattern(side, group, target)

    monkeypatch.setattr(directions, "_pattern", counted)
    assert direction("We walked the dog by the river.", "dog", "remedy") == ("unclear", "")
    assert made
    assert not [target for target in made if "dog" in target]
    said = "You should avoid cola if you drink plenty of milk daily."
    assert direction(said, "milk", "remedy")[0] != "contradicts"
    assert direction(said, "cola", "remedy")[0] == "contradicts"
    assert [target for target in made if "cola" in target]
