"""Documents to claims: places, phrases, and the hard cases of reading people."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from crawler.documents import Article, Document, Post, Quoted, Source, Study, Thread
from miner.claims import Extractor
from miner.errors import ModelRefused
from miner.model import Claim, Quote
from miner.rivals import one_per_idea
from miner.spans import is_body_part, phrases

SOURCE = Source(
    url="https://forum.example/t/1",
    site="forum.example",
    fetched=datetime(2026, 1, 1, tzinfo=UTC),
    engine="test",
)


@pytest.fixture(scope="module")
def extractor() -> Extractor:
    """One extractor for all, as the weights load once."""
    return Extractor()


def thread(*texts: str, title: str = "", authors: str = "") -> Thread:
    """A thread of posts by the authors named by a letter each, or all by different ones."""
    letters = authors or "abcdefghijklmnopqrstuvwxyz"
    posts = tuple(
        Post(id=str(n), number=n, text=text, author=letters[n - 1])
        for n, text in enumerate(texts, 1)
    )
    return Thread(source=SOURCE, title=title, posts=posts)


def texts(document: Document) -> Iterator[tuple[str, str]]:
    """Name and text of every part of a document."""
    yield "title", document.title
    if isinstance(document, Thread):
        yield from ((post.id, post.text) for post in document.posts)
    elif isinstance(document, Article):
        yield "text", document.text
    else:
        yield "abstract", document.abstract


def assert_places(document: Document, claims: list[Claim]) -> None:
    """Every quote and phrase is the stored text at its offsets, the phrase inside the quote."""
    parts = dict(texts(document))
    for claim in claims:
        quote = claim.quote
        assert parts[quote.part][quote.start : quote.end] == quote.text
        stop = claim.phrase_start + len(claim.phrase)
        assert parts[quote.part][claim.phrase_start : stop] == claim.phrase
        assert quote.start <= claim.phrase_start
        assert stop <= quote.end
        assert 0 <= claim.confidence <= 1


def find(
    claims: list[Claim], word: str, kind: str = "remedy", post: int | None = None
) -> list[Claim]:
    """The claims of a kind (and post) whose phrase holds a word."""
    return [
        claim
        for claim in claims
        if claim.kind == kind
        and word.lower() in claim.phrase.lower()
        and (post is None or claim.quote.part == str(post))
    ]


@dataclass(frozen=True, kw_only=True)
class Case:
    """Posts, and what must be read in them."""

    posts: tuple[str, ...]
    wants: tuple[tuple[int, str, str, dict[str, str]], ...] = ()
    """Post, kind, word of the phrase, and fields of the claim."""
    never: tuple[tuple[int, str, str], ...] = ()
    """Post, kind and word of a claim that would be wrong; an empty kind is any kind."""
    title: str = ""
    authors: str = ""


CASES = {
    "late_scope": Case(
        posts=(
            "I have done ice, massage, stretching and dry needling for my hip. "
            "Each of these eases it, though it was weeks before I could run again.",
        ),
        wants=tuple(
            (1, "remedy", word, {"outcome": "mixed"})
            for word in ("ice", "massage", "stretching", "needling")
        ),
    ),
    "yes_and_no": Case(
        posts=(
            "Did you ever fix your hip?",
            "Yes and no. It moved into the groin for the most part.",
        ),
        never=((1, "remedy", ""), (2, "remedy", "")),
    ),
    "not_tried": Case(
        posts=(
            "No, I have not tried insoles yet.",
            "I was booked in for surgery but cancelled it.",
        ),
        wants=(
            (1, "remedy", "insoles", {"assertion": "negated", "outcome": "unknown"}),
            (2, "remedy", "surgery", {"assertion": "negated", "outcome": "unknown"}),
        ),
    ),
    "outcome_words_without_outcome": Case(
        posts=(
            "Keep us posted whether that does you any good!",
            "Fingers crossed that the plan works out for you.",
        ),
        never=((1, "", ""), (2, "remedy", "")),
    ),
    "recap_of_another": Case(
        posts=(
            "I did stretching, needling and cupping, no luck with any of it.",
            "With all the stretching, needling and cupping you have been given, "
            "has anyone looked at your sleep?",
        ),
        never=((2, "remedy", "needling"), (2, "remedy", "cupping")),
    ),
    "quoted_words": Case(
        posts=(
            "Cortisone cured my heel within a week, honestly.",
            "JL> Cortisone cured my heel within a week, honestly.\n"
            "Not mine. Cortisone did nothing for me.",
            "> Cortisone cured my heel within a week, honestly.",
            "Cortisone cured my heel within a week, honestly.\n\nLucky you!",
        ),
        wants=((2, "remedy", "cortisone", {"outcome": "no_effect", "experiencer": "self"}),),
        never=((3, "", ""), (4, "", "")),
    ),
    "flip_in_a_post": Case(
        posts=(
            "After a month off climbing the elbow feels the same as before.\n\n"
            "UPDATE: the month off helped after all, no pain at all now.",
        ),
        wants=((1, "remedy", "month off", {"outcome": "helped"}),),
    ),
    "flip_in_a_later_post": Case(
        posts=(
            "Heel drops have done nothing for my Achilles so far.",
            "Give it time.",
            "Three months later: the heel drops worked, the pain is completely gone.",
        ),
        authors="aba",
        wants=(
            (1, "remedy", "heel drops", {"outcome": "no_effect"}),
            (3, "remedy", "heel drops", {"outcome": "helped"}),
        ),
    ),
    "diagnosis_rejected": Case(
        posts=("The first doctor said bursitis, but the MRI ruled out bursitis.",),
        wants=((1, "diagnosis", "bursitis", {"assertion": "negated"}),),
    ),
    "opposite_roles": Case(
        posts=(
            "Deadlifts caused my back pain in the first place.",
            "Deadlifts fixed my back pain for good.",
        ),
        wants=(
            (1, "cause", "deadlifts", {}),
            (2, "remedy", "deadlifts", {"outcome": "helped"}),
        ),
        never=((1, "remedy", "deadlifts"), (2, "cause", "deadlifts")),
    ),
    "jokes": Case(
        posts=("Just sacrifice a goat at full moon, works every time lol.",),
        never=((1, "remedy", "goat"),),
    ),
    "third_person": Case(
        posts=("My mother had cortisone injections in her knee and they helped her a lot.",),
        wants=((1, "remedy", "cortisone", {"experiencer": "other", "outcome": "helped"}),),
    ),
    "shared_credit": Case(
        posts=("I had surgery and then physical therapy, and together they fixed my shoulder.",),
        wants=(
            (1, "remedy", "surgery", {"outcome": "helped"}),
            (1, "remedy", "physical therapy", {"outcome": "helped"}),
        ),
    ),
    "pronoun_target": Case(
        posts=("Have you tried magnesium?", "Tried it for a month, did nothing for me."),
        wants=((2, "remedy", "it", {"outcome": "no_effect"}),),
    ),
    "comparative": Case(
        posts=("More likely it comes from weak glutes than from the IT band.",),
        wants=((1, "cause", "weak glutes", {"assertion": "hedged"}),),
    ),
    "false_cause": Case(
        posts=("Because of the holidays no physio could see me yet.",),
        never=((1, "cause", "holidays"), (1, "trigger", "holidays")),
    ),
    "typos": Case(
        posts=("Siting all day agravates my hip. Streching and foam roling helped alot.",),
        wants=(
            (1, "trigger", "siting", {}),
            (1, "remedy", "streching", {"outcome": "helped"}),
        ),
    ),
    "price_is_no_outcome": Case(
        posts=("I bought a massage gun, it was way too expensive. It arrives on Friday.",),
        wants=((1, "remedy", "massage gun", {"outcome": "unknown"}),),
    ),
    "promotion": Case(
        posts=("Visit our shop at www.back-belt.example, use code BACK10 for 10% off!",),
        never=((1, "remedy", ""),),
    ),
    "claim_in_the_title": Case(
        title="Eccentric heel drops fixed my Achilles tendonitis",
        posts=("Very happy with this. See above.",),
        wants=((0, "remedy", "heel drops", {"outcome": "helped"}),),
    ),
    "advice_as_a_question": Case(
        posts=("Have you tried flat shoes?",),
        wants=((1, "remedy", "flat shoes", {"experiencer": "advice", "outcome": "unknown"}),),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_hard_cases_are_read_as_people_mean_them(extractor: Extractor, name: str) -> None:
    """Each case of the annotation rules, in words of our own."""
    case = CASES[name]
    document = thread(*case.posts, title=case.title, authors=case.authors)
    claims = extractor.extract(document)
    assert_places(document, claims)
    shown = [
        (c.quote.part, c.kind, c.phrase, c.outcome, c.assertion, c.experiencer) for c in claims
    ]
    for post, kind, word, fields in case.wants:
        part = "title" if post == 0 else str(post)
        found = [c for c in find(claims, word, kind) if c.quote.part == part]
        assert found, f"no {kind} {word!r} among {shown}"
        for field, value in fields.items():
            assert getattr(found[0], field) == value, (word, field, shown)
    for post, kind, word in case.never:
        wrong = [
            c
            for c in claims
            if c.quote.part == str(post) and kind in ("", c.kind) and word in c.phrase.lower()
        ]
        assert not wrong, shown


def test_offsets_hold_on_nasty_text(extractor: Extractor) -> None:
    """Emoji, Windows line ends, other scripts, quotes and long posts keep every place exact."""
    odd = thread(
        "😀 I tried dry needling 👍🏽 and it helped!\r\n\r\n> no it didn’t\r\nIce did nothing 🧊.",
        "",
        "   \n\t",
        "Ich habe Dehnen probiert, aber es hat nicht geholfen. 我的膝盖很痛。 Ça m’a aidé.",
        "“Rest” — that’s what ‘they’ said… cured me?! " * 400,
        "\u202eabc\u0000 I took ibuprofen\u00a0daily and it helped.",
        title="Knee 🦵 pain: yoga “fixed” it",
    )
    claims = extractor.extract(odd)
    assert_places(odd, claims)
    assert find(claims, "needling", post=1)
    assert not [c for c in claims if c.quote.part in ("2", "3")]


def test_random_text_never_breaks_the_places(extractor: Extractor) -> None:
    """Shuffled words, marks and symbols: nothing raises, every place holds."""
    rng = random.Random(3)
    words = [
        "I",
        "tried",
        "ice",
        ",",
        "rest",
        ".",
        "and",
        ">",
        "it",
        "|",
        "helped",
        "!",
        "\n",
        "🦵",
        "[quote]",
        "massage",
        "(",
        "no",
        ")",
        "’",
        "“",
        "\r\n",
        "?",
        "don't",
    ]
    document = thread(*("".join(rng.choice(words) + " " for _ in range(60)) for _ in range(12)))
    assert_places(document, extractor.extract(document))


def test_claims_are_the_same_on_every_run(extractor: Extractor) -> None:
    """A claim is a pure function of its document and the version, alone or in a batch."""
    first = thread("I tried dry needling and it helped.", title="Hip pain")
    second = thread("Rest did nothing. " * 40, title="Other")
    alone = extractor.extract(first)
    told: list[int] = []
    together = dict(extractor.extract_all([second, first], told.append))
    assert together[first.source.url] == alone
    assert told == [1, 2]
    assert [c.id for c in extractor.extract(first)] == [c.id for c in alone]


def test_articles_and_studies_are_read_in_their_own_voice(extractor: Extractor) -> None:
    """One extractor serves all; the voice and the part say where a claim stands."""
    article = Article(
        source=SOURCE,
        title="Runner's knee",
        text="Weak hips are a common cause of knee pain.\n\nStrength training relieves the pain.",
    )
    study = Study(
        source=SOURCE,
        title="Strength training for knee pain: a randomised trial",
        abstract="Patients were given strength training or ibuprofen for knee osteoarthritis. "
        "Strength training relieved the pain, ibuprofen did not help.",
    )
    for document, voice, part in ((article, "article", "text"), (study, "study", "abstract")):
        claims = extractor.extract(document)
        assert_places(document, claims)
        assert {c.voice for c in claims} == {voice}
        assert any(c.quote.part == part for c in find(claims, "strength training"))
        assert {c.author for c in claims} == {None}


def test_words_the_page_marks_as_quoted_are_no_claims(extractor: Extractor) -> None:
    """What a post repeats of another, as the engine found it, is not claimed by its author."""
    said = "Swimming every day cured my back completely last year."
    post = Post(id="9", number=2, text=f"{said}\nGood for you!", quotes=(Quoted(text=said),))
    document = Thread(source=SOURCE, title="", posts=(post,))
    assert not extractor.extract(document)


def test_author_and_date_come_from_the_post(extractor: Extractor) -> None:
    """A claim carries who wrote it and when."""
    written = datetime(2024, 5, 1, tzinfo=UTC)
    post = Post(
        id="p7", number=1, text="Dry needling helped me a lot.", author="x1", written=written
    )
    claims = extractor.extract(Thread(source=SOURCE, title="", posts=(post,)))
    assert {(c.author, c.written, c.quote.part) for c in claims} == {("x1", written, "p7")}


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ("the dry needling,", ["dry needling"]),
        ("ice, heat and a massage gun", ["ice", "heat", "massage gun"]),
        ("of the", []),
        ("my left knee.", ["left knee"]),
        ("time off", ["time off"]),
    ],
)
def test_phrases_are_clean_and_lists_taken_apart(span: str, expected: list[str]) -> None:
    """No article in front, no mark behind; items of a list are phrases of their own."""
    assert [span[a:b] for a, b in phrases(span, 0, len(span))] == expected


def test_one_row_per_idea_keeps_the_one_with_an_outcome() -> None:
    """Said twice in one post, the row that tells what came of it stays."""
    quote = Quote(document="d", part="1", start=0, text="surgery ... the shoulder surgery helped")
    plan = Claim(kind="remedy", phrase="surgery", phrase_start=0, quote=quote, confidence=0.9)
    done = Claim(
        kind="remedy", phrase="shoulder surgery", phrase_start=16, quote=quote, outcome="helped"
    )
    cause = Claim(kind="cause", phrase="surgery", phrase_start=0, quote=quote)
    assert one_per_idea([plan, done, cause]) == [cause, done]


def test_the_version_changes_with_the_weights(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """Other weights, other version: what was mined before is mined again."""
    (tmp_path / "claims.safetensors").write_bytes(b"one")
    first = Extractor(tmp_path).version
    (tmp_path / "claims.safetensors").write_bytes(b"two")
    assert Extractor(tmp_path).version != first


def test_missing_weights_are_refused_with_the_way_out(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """One line names the file and what to do."""
    with pytest.raises(ModelRefused, match="reinstall"):
        Extractor(tmp_path).extract(thread("I tried ice."))


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [("my left elbow", True), ("hip flexors", True), ("elbow strap", False), ("it", False)],
)
def test_a_part_of_the_body_is_no_remedy(phrase: str, expected: bool) -> None:
    """What is done to it may be one."""
    assert is_body_part(phrase) is expected
