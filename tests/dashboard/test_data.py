"""The door to the stores: what pages get is what the stores hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import streamlit as st

from crawler.corpus import Corpus
from crawler.database import open_database
from crawler.documents import Post, Source, Thread
from crawler.errors import StoreError
from dashboard import data
from dashboard.data import Filters, State
from miner.counts import tally
from miner.knowledge import Knowledge, claims_key
from miner.model import Claim, Contradiction, Mined, Quote

ALL = Filters()


def fresh() -> State:
    """The state as a reader sees it after the short time it is taken as known."""
    st.cache_data.clear()
    return data.state()


def test_without_a_database_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line names the variable and the command."""
    monkeypatch.delenv(data.DATABASE, raising=False)
    with pytest.raises(StoreError, match="folkgrade dashboard"):
        data.state()


def test_themes_come_with_most_authors_first(here: State) -> None:
    """The order is by authors, never by benefit."""
    authors = [row.tally.authors for row in data.rows(here, ALL)]
    assert authors == sorted(authors, reverse=True)
    assert len(authors) == 6


def test_the_list_of_votes_is_as_long_as_the_count(here: State) -> None:
    """For every theme and stance, the entries to read are exactly those counted."""
    for row in data.rows(here, ALL):
        votes = data.voted(here, row.theme, ALL)
        assert len(votes) == row.tally.authors
        for stance in ("helped", "mixed", "no_effect", "worse", "advised", "asked", "rejected"):
            assert len(data.of_stance(votes, stance)) == getattr(row.tally, stance)


def test_two_posts_of_one_author_are_one_entry(here: State) -> None:
    """The author who wrote twice has one vote, with both claims behind it."""
    theme = data.theme(here, "rem-heeldrops")
    assert theme is not None
    twice = [vote for vote in data.voted(here, theme, ALL) if len(vote.claims) == 2]
    assert len(twice) == 1


def test_a_condition_narrows_the_counts_to_its_claims(here: State) -> None:
    """With a condition chosen, every number is counted from claims about it."""
    rows = data.rows(here, Filters(condition="low_back"))
    assert [row.theme.id for row in rows] == ["cau-desk"]
    assert rows[0].tally == tally(data.claims_of(here, "cau-desk"))


def test_few_authors_can_be_left_out(here: State) -> None:
    """The least number of authors holds on every row."""
    assert {row.theme.id for row in data.rows(here, Filters(least=3))} == {
        "rem-heeldrops",
        "cau-desk",
    }


def test_the_grade_of_the_chosen_condition_is_taken(here: State) -> None:
    """A grade for the condition goes before the one over all; else that one is shown."""
    found = data.project(here)
    of_condition = data.grade_of(found, "rem-heeldrops", "achilles")
    assert of_condition is not None
    assert of_condition.condition == "achilles"
    overall = data.grade_of(found, "rem-heeldrops", "low_back")
    assert overall is not None
    assert overall.condition is None


def test_an_old_id_leads_to_the_theme_it_went_into(here: State) -> None:
    """Merged ids redirect; unknown ones are None."""
    theme = data.theme(here, "rem-old")
    assert theme is not None
    assert theme.id == "rem-heeldrops"
    assert data.theme(here, "rem-never") is None


def test_a_quote_is_the_stored_text_with_its_place(here: State, project_file: Path) -> None:
    """Text, title, post and permalink are those of the stored post."""
    corpus = Corpus(open_database(str(project_file)))
    claims = data.claims_of(here, "rem-heeldrops")
    for one in data.said(here, [claim.id for claim in claims]):
        quote = one.claim.quote
        thread = corpus.get(quote.document)
        assert isinstance(thread, Thread)
        post = next(post for post in thread.posts if post.id == quote.part)
        assert post.text[quote.start : quote.end] == quote.text
        assert one.title == thread.title
        assert one.link == post.url
        assert one.place == f"post {post.number}"


def test_both_sides_of_a_contradiction_have_their_words(here: State) -> None:
    """Articles that disagree are shown with a quote on each side."""
    theme = data.theme(here, "rem-heeldrops")
    assert theme is not None
    (one,) = data.sides(here, theme, ALL)
    assert one.contradiction.type == "articles"
    assert len(one.supporting) == len(one.opposing) == 1


def test_articles_that_cover_a_theme_are_found(here: State) -> None:
    """Articles come with the sentences read in them."""
    theme = data.theme(here, "rem-heeldrops")
    assert theme is not None
    found = data.coverage(here, theme, ALL)
    assert [one.title for one in found] == ["Rest your heel", "The sore heel"]
    assert all(one.evidence for one in found)


def test_the_articles_number_opens_to_as_many_articles(here: State) -> None:
    """For every theme and condition, the articles to read are exactly those counted."""
    for filters in (ALL, Filters(condition="achilles"), Filters(condition="low_back")):
        rows = data.rows(here, filters)
        for row in rows:
            assert len(data.coverage(here, row.theme, filters)) == row.articles
            assert data.row_of(here, row.theme, filters).articles == row.articles
    assert {row.theme.id: row.articles for row in data.rows(here, ALL) if row.articles} == {
        "rem-heeldrops": 2,
        "rem-magnets": 1,
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Drop", ["rem-heeldrops"]),
        ("heels drops", ["rem-heeldrops"]),
        ("RAISED", ["rem-hostile"]),
        ("ops", []),
        ("heel baths", []),
        ("", None),
    ],
)
def test_search_finds_words_of_claims_by_their_beginning(
    text: str, found: list[str] | None, here: State
) -> None:
    """Each word typed, less its ending, begins a word of the name or of a claim."""
    ids = [row.theme.id for row in data.rows(here, ALL, text=text)]
    assert ids == found if found is not None else len(ids) == 6


def test_a_contradiction_of_another_condition_is_not_listed(
    here: State, project_file: Path
) -> None:
    """Under a condition both sides need voices about it, and only those are shown."""
    theme = data.theme(here, "rem-heeldrops")
    assert theme is not None
    knowledge = Knowledge(open_database(str(project_file)))
    claims = knowledge.claims(theme=theme.id)
    helped, worse = (
        [c.id for c in claims if c.outcome == outcome] for outcome in ("helped", "worse")
    )
    run = data.project(here).run
    assert run is not None
    claims = [replace(c, condition="low_back") if c.id in worse else c for c in claims]
    one = Contradiction(
        theme=theme.id, type="members", supporting=tuple(helped), opposing=tuple(worse), reason="."
    )
    knowledge.replace(
        run,
        Mined(
            claims=tuple(claims),
            theme_of={c.id: theme.id for c in claims},
            themes=(theme,),
            contradictions=(one,),
        ),
    )
    after = fresh()
    assert len(data.disputes(after, ALL)) == len(data.sides(after, theme, ALL)) == 1
    assert data.disputes(after, Filters(condition="achilles")) == []
    assert data.sides(after, theme, Filters(condition="achilles")) == []


def test_gaps_of_a_condition_have_enough_authors_there(here: State) -> None:
    """A theme few speak of with the condition is no gap of it; the run's own least is asked."""
    found = data.gap_rows(here, Filters(condition="low_back"))
    assert [gap.theme for gap, _ in found] == ["cau-desk"]
    assert data.gap_rows(here, Filters(condition="low_back", least=5)) == []


def test_a_gap_is_of_every_type_that_applies(here: State) -> None:
    """Parts of no points and the authors' are no types; the others count the gaps they hold for."""
    gaps = [gap for gap, _ in data.gap_rows(here, ALL)]
    assert data.gap_types(gaps) == {"uncovered": 1, "weak_evidence": 2}


def test_gaps_come_with_their_parts(here: State) -> None:
    """Highest score first, and the parts sum to the score."""
    found = data.gap_rows(here, ALL)
    assert [gap.theme for gap, _ in found] == ["cau-desk", "rem-magnets"]
    for gap, _ in found:
        assert sum(gap.parts.values()) == pytest.approx(gap.score)


def test_a_new_run_shows_without_a_restart(here: State, project_file: Path) -> None:
    """The state changes with a run, and with it all that is cached."""
    knowledge = Knowledge(open_database(str(project_file)))
    run = data.project(here).run
    assert run is not None
    knowledge.replace(run, Mined(claims=(), theme_of={}, themes=()))
    after = fresh()
    assert after != here
    assert data.project(after).themes == ()


def test_forgotten_words_disappear_at_once(here: State, project_file: Path) -> None:
    """A thread taken out of the corpus changes the state, though no run was made."""
    corpus = Corpus(open_database(str(project_file)))
    corpus.forget("https://board.example/viewtopic?t=3")
    assert fresh() != here


def add_later(path: Path) -> str:
    """A thread read after the run."""
    later = datetime.now(UTC) + timedelta(days=1)
    url = "https://forum.example/t/new/77"
    source = Source(url=url, site="forum.example", fetched=later, engine="discourse")
    thread = Thread(source=source, title="New", posts=(Post(id="1", number=1, text="Hello."),))
    Corpus(open_database(str(path))).add(thread)
    return url


def test_the_step_follows_from_what_is_there(here: State, project_file: Path) -> None:
    """Nothing, collected only, mined, and mined before the last reading are told apart."""
    found = data.project(here)
    assert data.step(found) == "ready"
    assert data.step(replace(found, run=None)) == "mine"
    assert data.step(replace(found, sites=(), run=None)) == "collect"
    add_later(project_file)
    assert data.step(data.project(fresh())) == "again"


def test_reading_the_same_again_is_nothing_new(here: State, project_file: Path) -> None:
    """Pages read again without a change, known to the last run's extractor, need no new run."""
    url = add_later(project_file)
    corpus = Corpus(open_database(str(project_file)))
    knowledge = Knowledge(open_database(str(project_file)))
    for known, content in corpus.hashes().items():
        knowledge.keep_extracted(known, claims_key(content, "invented-2"), [])
    assert data.step(data.project(fresh())) == "ready"
    corpus.drop(url)
    knowledge.forget(url)
    st.cache_resource.clear()
    assert data.step(data.project(fresh())) == "again"


def member(author: str, when: str) -> Claim:
    return Claim(
        kind="remedy",
        phrase="rest",
        phrase_start=0,
        quote=Quote(document="https://f.example/1", part=f"{author}{when}", start=0, text="rest"),
        author=author,
        written=datetime.fromisoformat(when).replace(tzinfo=UTC),
    )


def test_a_quarter_counts_people_and_marks_the_unfinished_one() -> None:
    """Two posts of one author count once, empty quarters are kept, the running one is marked."""
    claims = [
        member("a", "2025-01-02"),
        member("a", "2025-03-30"),
        member("b", "2025-02-01"),
        member("a", "2025-07-01"),
    ]
    found = data.quarters(claims, datetime(2025, 8, 1, tzinfo=UTC))
    assert [(q.label, q.authors, q.finished) for q in found] == [
        ("2025 Q1", 2, True),
        ("2025 Q2", 0, True),
        ("2025 Q3", 1, False),
    ]


def test_what_was_deleted_at_the_source_makes_the_run_stale(here: State) -> None:
    """A purge brings no new document and no later reading; the run knows more than is there."""
    engine = open_database(here.url)
    corpus, knowledge = Corpus(engine), Knowledge(engine)
    run, sites = knowledge.last_run(), corpus.sites()
    assert run is not None
    counts = {"threads": sum(s.threads for s in sites), "posts": sum(s.posts for s in sites)}
    knowledge.replace(replace(run, counts=counts), Mined(claims=(), theme_of={}, themes=()))
    assert data.step(data.project(fresh())) == "ready"
    corpus.purge([next(url for url in corpus.hashes() if "/t/" in url)])
    assert data.step(data.project(fresh())) == "again"
