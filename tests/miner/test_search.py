"""Search: what a few words find, in each kind of database, and what is forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import sqlalchemy as sa
from numpy.typing import NDArray

from crawler.database import open_database
from miner.index import BLOCK, Index
from miner.knowledge import Knowledge, Run
from miner.model import Claim, Evidence, Mined, Quote, Theme
from miner.passages import Entry, Passage, passages, spelled, vocabulary
from miner.search import (
    FACETS,
    Asked,
    Facet,
    Found,
    Mode,
    Shelf,
    Term,
    distance,
    find,
    marked,
    terms,
)

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
RUN = Run(started=NOON, finished=NOON, fingerprint="f", settings_hash="s")
FORUM, BOARD = "https://forum.example/t/1", "https://board.example/t/2"
CLINIC = "https://clinic.example/feet"

SAID = {
    "rem-pedals": [
        ("m_1", FORUM, "Changing to flat pedals took the edge off.", "flat pedals", "helped"),
        ("m_2", FORUM, "My flat pedal was no use at all.", "flat pedal", "no_effect"),
        ("m_3", BOARD, "Pedalling with less weight, on flat pedals.", "flat pedals", "unknown"),
    ],
    "rem-breath": [
        ("m_4", BOARD, "The breathing work calmed my back.", "breathing work", "helped"),
    ],
    "rem-shoes": [
        ("m_5", FORUM, "Now I wear stiff shoes.", "stiff shoes", "unknown"),
    ],
}
SERVERS = ("postgres", "pgvector")
NEAR = {"breath training": "breathing work", "breathing training": "breathing work"}
"""Questions and the phrase that means the same, for the invented model."""


def mined() -> Mined:
    """Three invented remedies with five members, an article and a study."""
    claims, theme_of, themes = [], {}, []
    for key, said in SAID.items():
        own = []
        for n, (author, thread, text, phrase, outcome) in enumerate(said):
            claim = Claim(
                kind="remedy",
                phrase=phrase,
                phrase_start=text.index(phrase),
                quote=Quote(document=thread, part=f"{key}-{n}", start=0, text=text),
                author=author,
                outcome=outcome,  # type: ignore[arg-type]
                condition="low_back" if thread == BOARD else "knee",
            )
            own.append(claim)
            theme_of[claim.id] = key
        claims += own
        ids = tuple(claim.id for claim in own)
        themes.append(Theme(id=key, kind="remedy", name=said[0][3], claims=ids))
    sentence = Quote(document=CLINIC, part="text", start=9, text="A flat pedal lets the foot move.")
    evidence = (
        Evidence(theme="rem-pedals", source_type="expert", direction="supports", quote=sentence),
        Evidence(theme="rem-breath", source_type="study", direction="supports", quote=None,
                 title="Invented B. Slow breaths. 2021.", finding="Less pain after eight weeks.",
                 design="rct", study="10.1/x"),
    )  # fmt: skip
    return Mined(claims=tuple(claims), theme_of=theme_of, themes=tuple(themes), evidence=evidence)


def encode(texts: Sequence[str]) -> NDArray[np.float32]:
    """An invented model: a direction of its own for each text, one for those that mean the same."""
    rows = np.zeros((len(texts), 64), np.float32)
    for row, text in enumerate(texts):
        letters = NEAR.get(text, text).encode()
        rows[row] = np.random.default_rng(list(letters)).standard_normal(64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def write(index: Index, found: Sequence[Passage]) -> None:
    texts = list(dict.fromkeys(e.meaning for one in found for e in one.entries))
    blocks = [encode(texts[n : n + BLOCK]).astype(np.float16) for n in range(0, len(texts), BLOCK)]
    index.replace(1, "invented", found, texts, blocks)


EVERY_KIND = ["sqlite", *(pytest.param(n, marks=pytest.mark.postgres) for n in SERVERS)]


@pytest.fixture(params=EVERY_KIND)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty database, of each kind in turn, with pgvector and without."""
    if request.param == "sqlite":
        return str(tmp_path / "folkgrade.db")
    return str(request.getfixturevalue(request.param)())


@pytest.fixture
def index(database: str) -> Iterator[Index]:
    """The index of the invented remedies, in each kind of database in turn."""
    engine = open_database(database)
    Knowledge(engine).replace(RUN, mined())
    made = Index(engine)
    write(made, passages(mined()))
    yield made
    engine.dispose()


def ask(index: Index, text: str, mode: Mode = "both", **chosen: str) -> Found:
    asked = Asked(text=text, mode=mode, chosen=cast("dict[Facet, str]", chosen))
    near = index.near()
    return find(asked, index.shelf(vectors=near is None), index.ranked, encode, near)


def read(index: Index, found: Found) -> list[str]:
    return [one.text for one in index.shown([hit.row for hit in found.hits])]


def test_another_form_of_a_word_is_found(index: Index) -> None:
    """`pedal` finds flat pedals: the theme, the members, the article; nothing else by words."""
    found = read(index, ask(index, "pedal", "words"))
    assert found[0] == "flat pedals"
    assert len(found) == 5
    assert all("pedal" in text.lower() for text in found)
    assert read(index, ask(index, "FLAT PEDALS!", "words"))[0] == "flat pedals"


def test_other_words_of_the_same_meaning_are_found(index: Index) -> None:
    """`breath training` finds breathing work by meaning; by words alone its stem does."""
    found = ask(index, "breath training", "meaning")
    assert set(read(index, found)) == {"breathing work", "The breathing work calmed my back."}
    assert all(hit.by_meaning and not hit.by_words for hit in found.hits)
    both = ask(index, "breath training")
    assert {"breathing work", "The breathing work calmed my back."} <= set(read(index, both))
    assert both.hits[0].by_words
    assert both.hits[0].by_meaning


def test_what_both_rankings_have_comes_first(index: Index) -> None:
    """A passage found by words and by meaning stands before one found by either."""
    found = ask(index, "flat pedals")
    both = [hit.by_words and hit.by_meaning for hit in found.hits]
    assert both == sorted(both, reverse=True)
    assert found.hits[0].score == pytest.approx(2 / 61, abs=0.002)


def test_a_slip_of_the_keys_is_forgiven(index: Index) -> None:
    """A word nobody writes is looked for as the nearest that somebody does, and it is said."""
    found = ask(index, "pedlas", "words")
    assert "flat pedals" in read(index, found)
    assert found.instead["pedlas"][0] == "pedals"
    assert ask(index, "pedals", "words").instead == {}


def test_the_beginning_of_a_word_is_enough(index: Index) -> None:
    """`shoe` and `stif` find stiff shoes."""
    assert "stiff shoes" in read(index, ask(index, "stif", "words"))


def test_facets_count_and_narrow(index: Index) -> None:
    """Each facet counts what the others let through; a choice leaves just so many."""
    found = ask(index, "pedal", "words")
    assert found.facets["type"] == {"quote": 3, "theme": 1, "article": 1}
    assert found.facets["outcome"] == {"helped": 1, "no_effect": 1, "tried": 1}
    for facet, values in found.facets.items():
        for value, count in values.items():
            assert len(ask(index, "pedal", "words", **{facet: value}).hits) == count, (facet, value)
    narrowed = ask(index, "pedal", "words", condition="low_back")
    assert read(index, narrowed) == ["Pedalling with less weight, on flat pedals."]
    assert narrowed.facets["condition"] == found.facets["condition"]


def test_choices_hold_for_one_and_the_same_claim(tmp_path: Path) -> None:
    """A sentence on a remedy that helped and one that did not is not two that helped."""
    text = "Heat helped, ice did nothing."
    quote = Quote(document=FORUM, part="p", start=0, text=text)
    heat, ice = (
        Claim(kind="remedy", phrase=phrase, phrase_start=text.index(phrase), quote=quote,
              author="m_1", outcome=outcome, condition=condition)  # type: ignore[arg-type]
        for phrase, outcome, condition in (("Heat", "helped", "knee"), ("ice", "no_effect", "hip"))
    )  # fmt: skip
    themes = tuple(
        Theme(id=name, kind="remedy", name=name, claims=(claim.id,))
        for name, claim in (("heat", heat), ("ice", ice))
    )
    found = passages(Mined(claims=(heat, ice), theme_of={}, themes=themes))
    assert [len(one.entries) for one in found] == [1, 1, 2]
    engine = open_database(str(tmp_path / "one.db"))
    index = Index(engine)
    write(index, found)
    assert len(ask(index, "helped", "words", outcome="helped", condition="knee").hits) == 1
    assert not ask(index, "helped", "words", outcome="helped", condition="hip").hits
    engine.dispose()


def test_no_question_is_an_error(index: Index) -> None:
    """Signs that mean something to a database are words or nothing here."""
    strange = ["", "  ", '"', "a AND (", "* OR NEAR(x", "';--", "the of", "🚲", "x" * 5000, "\x00"]
    for text in strange:
        ask(index, text, "words")
        ask(index, text)


def test_an_index_of_nothing_finds_nothing(database: str) -> None:
    """Before the first run, and after one that concluded nothing."""
    engine = open_database(database)
    index = Index(engine)
    assert index.mark() is None
    assert ask(index, "pedal").hits == ()
    write(index, [])
    assert ask(index, "pedal").hits == ()
    assert index.mark() is not None
    engine.dispose()


def test_what_is_forgotten_is_found_no_more(index: Index) -> None:
    """An author's words leave the passages, the words, the vocabulary and the vectors."""
    knowledge = Knowledge(index.engine)
    before = index.mark()
    assert any(np.any(row) for row in index.shelf().vectors)
    knowledge.forget("m_4")
    assert "The breathing work calmed my back." not in read(index, ask(index, "breathing back"))
    assert "calmed" not in index.shelf().words
    assert index.mark() != before
    with index.engine.connect() as connection:
        texts = connection.scalars(sa.text("SELECT text FROM search_passages")).all()
    assert not [text for text in texts if "calmed" in text]
    assert read(index, ask(index, "shoes", "words"))
    knowledge.forget(FORUM)
    # The theme's name was in their words too, and nobody else says them.
    assert read(index, ask(index, "shoes", "words")) == []


def test_a_vector_goes_with_the_last_who_said_it(tmp_path: Path) -> None:
    """The vector of a phrase that only a forgotten author used is all zeros; others stay."""
    quotes = [one for one in passages(mined()) if one.type == "quote"]
    engine = open_database(str(tmp_path / "one.db"))
    index = Index(engine)
    write(index, quotes)
    before = index.shelf().vectors
    Knowledge(engine).forget("m_5")
    shelf = index.shelf()
    gone = [row for row, vector in enumerate(shelf.vectors) if not vector.any()]
    assert len(gone) == 1
    assert gone[0] not in shelf.vector
    kept = [row for row in range(len(before)) if row not in gone]
    assert np.array_equal(shelf.vectors[kept], before[kept])
    Knowledge(engine).forget("m_1")  # another author said the same
    assert sum(not vector.any() for vector in index.shelf().vectors) == 1
    engine.dispose()


def test_a_second_index_takes_the_place_of_the_first(index: Index) -> None:
    """Nothing of the former passages stays."""
    write(index, [one for one in passages(mined()) if one.type == "study"])
    assert read(index, ask(index, "pedal", "words")) == []
    assert read(index, ask(index, "breaths", "words")) == [
        "Invented B. Slow breaths. 2021.. Less pain after eight weeks."
    ]


def shelf_of(**words: int) -> Shelf:
    """An index of words alone."""
    empty = np.zeros(0, np.int64)
    return Shelf(
        rows=empty, owner=empty, columns={}, names={}, vector=empty.astype(np.int32),
        vectors=np.zeros((0, 0), np.float32), words=words, spellings=sorted(words),
    )  # fmt: skip


def test_common_words_are_left_out_unless_there_are_no_others() -> None:
    """`what helps with a hip` asks for help and hip; `the who` asks for just that."""
    shelf = shelf_of(helps=9, hip=9, what=900)
    assert [term.words[0] for term in terms("What helps with a hip?", shelf)] == ["helps", "hip"]
    assert [term.words[0] for term in terms("the who", shelf)] == ["the", "who"]


def test_a_rare_spelling_is_joined_by_a_usual_one() -> None:
    """A slip that one person made stands for the word that hundreds write, but keeps its own."""
    shelf = shelf_of(physoi=1, physio=400, tendinopathy=80, heel=3, heal=2)
    assert terms("physoi", shelf)[0] == Term(words=("physoi", "physio"))
    assert terms("tendinophaty", shelf)[0].words == ("tendinophaty", "tendinopathy")
    assert terms("heal", shelf)[0] == Term(words=("heal",))
    assert terms("physi", shelf)[0] == Term(words=("physi",), prefix=True)


def test_words_that_nearly_all_use_are_not_ranked() -> None:
    """Ranking them would say nothing; beside a rarer word they need not be there at all."""
    asked: list[tuple[tuple[str, ...], bool, bool]] = []

    def words(question: Sequence[Term], every: bool, best: bool, _most: int) -> list[int]:
        asked.append((tuple(term.words[0] for term in question), every, best))
        return [1]

    one = np.zeros(1, np.int64)
    shelf = replace(
        shelf_of(hip=90_000, pain=80_000, squat=900), rows=one + 1, owner=one,
        columns=dict.fromkeys(FACETS, one.astype(np.int32)),
        names={key: ["x"] for key in FACETS}, vector=one.astype(np.int32),
    )  # fmt: skip
    find(Asked(text="hip pain"), shelf, words, None)
    find(Asked(text="hip squat"), shelf, words, None)
    assert asked == [
        (("hip", "pain"), True, False),
        (("hip", "pain"), False, False),
        (("hip", "squat"), True, True),
        (("squat",), False, True),
    ]


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [("heel", "heel", 0), ("heel", "hell", 1), ("ehel", "heel", 1), ("heel", "feet", 2),
     ("heel", "shoulder", 3), ("", "ab", 2)],
)  # fmt: skip
def test_distance_counts_slips(one: str, other: str, apart: int) -> None:
    """Dropped, added, mistaken and swapped letters; more than asked for is one more."""
    assert distance(one, other, 2) == apart


def test_marks_are_where_the_words_are() -> None:
    """The parts make up the text; other forms of a word are marked, and so is a span."""
    text = "Exercises for the hip, then running and more exercise."
    parts = marked(text, [Term(words=("exercise",)), Term(words=("run",))], [(18, 21)])
    assert "".join(part for part, _ in parts) == text
    assert [part for part, mark in parts if mark] == ["Exercises", "hip", "running", "exercise"]


def test_a_long_text_is_cut_around_its_first_mark() -> None:
    """Of a long post the part with the word is shown, with an ellipsis on each side."""
    text = "before " * 200 + "pedal " + "after " * 200
    parts = marked(text, [Term(words=("pedals",))])
    whole = "".join(part for part, _ in parts)
    assert ("pedal", True) in parts
    assert whole.startswith("…before")
    assert whole.endswith("after…")
    assert len(whole) < 340
    assert marked("x" * 100_000, [Term(words=("x",))])[0][0] == "x" * 320


def test_a_passage_is_one_place_with_all_that_count_it() -> None:
    """Members, articles, studies and themes; a sentence of two claims is one passage of two."""
    found = passages(mined())
    assert [one.type for one in found] == ["theme"] * 3 + ["quote"] * 5 + ["article", "study"]
    assert [one.site for one in found][3] == "forum.example"
    assert found[-1].site is None
    again = mined()
    twice = replace(again.claims[0], kind="cause")
    theme = Theme(id="cau-x", kind="cause", name="x", claims=(twice.id,))
    more = replace(again, claims=(*again.claims, twice), themes=(*again.themes, theme))
    first = next(one for one in passages(more) if one.type == "quote")
    assert [entry.kind for entry in first.entries] == ["remedy", "cause"]


def test_vocabulary_counts_passages() -> None:
    """A word counts once for each text; numbers and single letters are no words."""
    assert vocabulary(["Heel, heel!", "my heel 12 x"]) == {"heel": 2, "my": 1}
    assert spelled("Don't — l'été_2") == ["don", "t", "l", "été", "2"]


def quotes(texts: Sequence[str]) -> list[Passage]:
    """Passages of members with these words, each on a theme of its own."""
    return [
        Passage(type="quote", text=text, document=FORUM, part=str(n),
                entries=(Entry(ref=f"c{n}", theme=f"t{n}", kind="remedy", meaning=text),))
        for n, text in enumerate(texts)
    ]  # fmt: skip


def test_a_rare_word_counts_more_than_usual_ones(database: str) -> None:
    """With some of the words, the passage that says the rarest is first, of these the shortest."""
    texts = [f"My knee pain, day {n} of so many more days." for n in range(12)]
    rare = "A kinesio tape it was that I put on for all of this time and longer."
    short = "Kinesio tape."
    index = Index(open_database(database))
    write(index, quotes([*texts, rare, short]))
    assert read(index, ask(index, "knee pain kinesio", "words"))[:2] == [short, rare]
    index.engine.dispose()


def test_words_are_told_apart_in_the_same_way_everywhere(database: str) -> None:
    """Strokes, dots and hyphens part words, and accents may be left out."""
    said = {
        "heat": "Ice/heat by turns.",
        "rest": "See rest.it is all I say.",
        "naïve": "A naïve façade, said José.",
        "raises": "I did 3x10 raises.",
        "rolling": "foam-rolling it",
    }
    index = Index(open_database(database))
    write(index, quotes(list(said.values())))
    for asked, text in said.items():
        assert read(index, ask(index, asked, "words")) == [text], asked
    assert read(index, ask(index, "jose", "words")) == [said["naïve"]]
    index.engine.dispose()


@pytest.mark.postgres
def test_a_database_compares_vectors_as_memory_does(pgvector: Callable[[], str]) -> None:
    """The extension gives the same nearest phrases in the same order; forgotten ones are gone."""
    engine = open_database(pgvector())
    Knowledge(engine).replace(RUN, mined())
    index = Index(engine)
    write(index, passages(mined()))
    near, shelf = index.near(), index.shelf()
    assert near is not None
    asked = Asked(text="breath training", mode="meaning")
    assert find(asked, shelf, index.ranked, encode, near) == find(
        asked, shelf, index.ranked, encode
    )
    assert index.unsound() == []
    held = np.arange(len(shelf.vectors))
    Knowledge(engine).forget("m_4")
    gone = {n for n in held if shelf.vectors[n].any() and not index.shelf().vectors[n].any()}
    with engine.connect() as connection:
        left = set(connection.scalars(sa.text('SELECT "row" FROM search_nearby')))
    assert gone
    assert left == set(held.tolist()) - gone
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM search_nearby")
    assert index.unsound() == ["vectors to compare are missing"]
    engine.dispose()


@pytest.mark.postgres
def test_an_extension_may_go_and_come(pgvector: Callable[[], str]) -> None:
    """Without it vectors are compared in memory at once, with it again after the next run."""
    engine = open_database(pgvector())
    Knowledge(engine).replace(RUN, mined())
    index = Index(engine)
    write(index, passages(mined()))
    wanted = read(index, ask(index, "breath training", "meaning"))
    for statement in ("DROP EXTENSION vector CASCADE", "CREATE EXTENSION vector SCHEMA public"):
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()
        assert index.near() is None
        assert read(index, ask(index, "breath training", "meaning")) == wanted
        assert index.unsound() == []
    write(index, passages(mined()))
    assert index.near() is not None
    assert read(index, ask(index, "breath training", "meaning")) == wanted
    engine.dispose()


@pytest.mark.postgres
def test_without_the_extension_vectors_are_compared_in_memory(postgres: Callable[[], str]) -> None:
    """A server that has no pgvector is as good, and its index says nothing is missing."""
    engine = open_database(postgres())
    Knowledge(engine).replace(RUN, mined())
    index = Index(engine)
    write(index, passages(mined()))
    assert index.near() is None
    assert read(index, ask(index, "breath training", "meaning"))
    assert index.unsound() == []
    engine.dispose()


@pytest.mark.postgres
def test_an_index_of_an_older_folkgrade_finds_its_words(postgres: Callable[[], str]) -> None:
    """Lexemes that PostgreSQL made of the text itself are made anew when the index is opened."""
    engine = open_database(postgres())
    write(Index(engine), quotes(["Ice/heat by turns."]))
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE search_passages DROP COLUMN lexemes")
        connection.exec_driver_sql(
            "ALTER TABLE search_passages ADD COLUMN lexemes tsvector "
            "GENERATED ALWAYS AS (to_tsvector('english', text)) STORED"
        )
        connection.exec_driver_sql("UPDATE schema_versions SET version = 1 WHERE store = 'search'")
    assert read(Index(engine), ask(Index(engine), "heat", "words")) == ["Ice/heat by turns."]
    engine.dispose()
