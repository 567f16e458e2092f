"""Words and numbers of the pages."""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from dataclasses import replace
from importlib.resources import files

import pytest

from dashboard import words
from miner import grades, pipeline
from miner.model import Grade


def graded(level: int | None, status: str) -> Grade:
    return Grade(theme="t", condition=None, level=level, status=status, certainty=None)


@pytest.mark.parametrize(
    ("k", "n", "shown"),
    [
        (0, 0, "not reported"),
        (2, 2, "2 of 2"),
        (3, 4, "3 of 4"),
        (5, 5, "5 of 5 (57–100 %)"),
        (7, 12, "7 of 12 (32–81 %)"),
        (25, 41, "25 of 41 (46–74 %)"),
    ],
)
def test_a_share_has_no_percentage_below_five(k: int, n: int, shown: str) -> None:
    """Below five people `k of n` alone, from five on the Wilson interval, none at all in words."""
    assert words.share(k, n) == shown


def test_none_found_differs_from_not_searched() -> None:
    """The two ways of having no study read differently, and neither looks like a level."""
    seen = {
        words.level(graded(None, "no_evidence")),
        words.level(graded(None, "not_searched")),
        words.level(graded(5, "insufficient")),
        words.level(graded(None, "commercial_only")),
    }
    other = replace(graded(None, "no_evidence"), reasons=("related_condition_only",))
    seen.add(words.level(other))
    assert len(seen) == 5
    assert words.status_help(other) != words.status_help(graded(None, "no_evidence"))
    assert words.level(None) == words.level(graded(None, "not_searched"))


@pytest.mark.parametrize(
    "text",
    [
        "**bold** _it_ `code` ~~no~~",
        "[x](javascript:alert(1)) ![p](https://evil.example/p.png)",
        "<b>b</b> &amp; $x$ :red[r] :smile: # h > q | t",
        "1. one - two + three \\ back",
    ],
)
def test_plain_escapes_every_mark_of_markdown(text: str) -> None:
    """Each ASCII mark has a backslash; without those and the joiners it is the text again."""
    shown = words.plain(text)
    bare = shown.replace("\u2060", "")
    place = 0
    while place < len(bare):
        if bare[place] == "\\":
            place += 2
            continue
        assert bare[place].isalnum() or bare[place] == " "
        place += 1
    assert _unescaped(bare) == text


def _unescaped(text: str) -> str:
    out, place = "", 0
    while place < len(text):
        place += text[place] == "\\"
        out += text[place]
        place += 1
    return out


def test_plain_makes_one_line_without_hidden_marks() -> None:
    """Line breaks become spaces; control and direction marks go."""
    assert words.plain("a\n\n# b\u202ec\x00") == "a \\# bc"


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//x", "http://", None]
)
def test_only_web_addresses_are_links(url: str | None) -> None:
    """Nothing but http and https with a host is ever offered as a link."""
    assert words.link(url) is None


def test_a_web_address_is_kept() -> None:
    """A link is the address itself."""
    assert words.link("https://forum.example/t/1#p2") == "https://forum.example/t/1#p2"


@pytest.mark.parametrize(
    ("doi", "address"),
    [
        ("10.1234/a.b", "https://doi.org/10.1234/a.b"),
        ("https://doi.org/10.1234/a.b", "https://doi.org/10.1234/a.b"),
        ("javascript:10.1", None),
        ("10.1234/a b", None),
        (None, None),
    ],
)
def test_a_doi_is_a_link_only_in_its_form(doi: str | None, address: str | None) -> None:
    """A DOI resolves at doi.org; anything else is no link."""
    assert words.doi_link(doi) == address


def test_every_reason_of_a_grade_is_a_sentence() -> None:
    """Codes become sentences; an unknown one is spelled out rather than lost."""
    assert words.reason("level_2") == "The best sources are of level 2."
    assert "randomised trial" in words.reason("design_rct")
    assert "risk of bias" in words.reason("step_high_rob")
    assert words.reason("design_does_not_answer_question").startswith("Some studies")
    assert words.reason("a_new_rule") == "A new rule."


def written_reasons() -> set[str]:
    """Every reason that the module of grades spells out, read from its source."""
    tree = ast.parse(inspect.getsource(grades))
    named = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    writers = ("_aside_reasons", "_without_level", "_status", "_lower", "_with_articles")
    found = {text for name in writers for text in strings(named[name])}
    capped = {text for name in ("_certainty", "_caps") for text in strings(named[name])}
    spelled = {text for text in found | {f"certainty_{text}" for text in capped} if "_" in text}
    alone = {f"{kind}_only" for kind in grades.NEVER}
    return {text for text in spelled | alone if text not in NO_REASONS}


NO_REASONS = frozenset(
    {"no_evidence", "very_low", "no_effect", "not_searched", "indirect_condition"}
    | {f"certainty_{name}" for name in ("words", "start", "people", "high", "low", "moderate")}
    | {"certainty_very_low", "certainty_certainty", "certainty_human_reviewed"}
)
"""Other strings of those functions: statuses, directions, flags, words of certainty and keys."""


def strings(tree: ast.AST) -> set[str]:
    """The words in quotes, without docstrings and pieces of longer ones."""
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"[a-z0-9][a-z0-9_]*[a-z0-9]", node.value)
    }


def test_every_reason_a_grade_can_have_is_worded() -> None:
    """Reasons, designs and flags that grading writes all have a sentence of their own."""
    known = words._words()
    reasons = written_reasons()
    assert {"articles_disagree", "certainty_unverified", "next_tier_disagrees"} <= reasons
    assert reasons - set(known["reasons"]) == set()
    table = tomllib.loads(files("miner").joinpath("data/levels.toml").read_text("utf-8"))
    parts = {*table["column"].values(), "any"}
    assert {name for part in parts for name in table[part]} - set(known["designs"]) == set()
    assert {*table["steps"]["flags"], "small_n"} - set(known["flags"]) == set()


def test_every_stage_and_count_of_a_run_is_worded() -> None:
    """And none that no run has; what an endpoint costs is counted too."""
    stages = set(re.findall(r'\.stage\("(\w+)"\)', inspect.getsource(pipeline)))
    assert set(words._words()["stages"]) == stages
    counts = set(re.findall(r'"(\w+)": ', inspect.getsource(pipeline._counts)))
    spent = {"requests", "tokens", "answers dropped"}
    assert set(words._words()["counts"]) == counts | spent


def test_no_status_denies_studies_that_may_be_listed() -> None:
    """Where studies on other conditions are listed, nothing says that there is none."""
    for group in ("levels", "status_help", "statuses"):
        assert not any(
            re.search(r"(there is|there are) no stud|^no study", text, re.I)
            for text in words._words()[group].values()
        )


def test_a_member_is_shown_by_the_pseudonym_that_forget_takes() -> None:
    """The pseudonym as stored; posts without a name say so."""
    assert words.member("m_7f3a12c09e") == "member m_7f3a12c09e"
    assert words.member(None) == words.member("unnamed:x#1") == "unnamed post"
