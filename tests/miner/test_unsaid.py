"""A theme is not called by words of somebody who was forgotten."""

from __future__ import annotations

from miner.model import Claim, Quote, SubTheme, Theme
from miner.unsaid import FORGOTTEN, renamed


def claim(phrase: str, part: str) -> Claim:
    quote = Quote(document="https://f.example/1", part=part, start=0, text=f"{phrase} helped me.")
    return Claim(kind="remedy", phrase=phrase, phrase_start=0, quote=quote, author=f"m_{part}")


STAYS = claim("heel drops", "2")
GONE = frozenset({"quirlish", "heel", "drops", "helped", "me"})


def theme(name: str, **more: object) -> Theme:
    return Theme(id="rem-1", kind="remedy", name=name, claims=(STAYS.id,), **more)  # type: ignore[arg-type]


def test_a_name_of_lost_words_gives_way_to_those_of_who_stays() -> None:
    """Also of its parts, and of the words that tell it from others."""
    part = SubTheme(id="rem-1a", name="quirlish heel", claims=("gone",))
    former = theme("quirlish heel drops", keywords=("quirlish", "drops"), parts=(part,))
    now = renamed(former, [STAYS], GONE)
    assert now.name == "heel drops"
    assert now.keywords == ("drops",)
    assert [item.name for item in now.parts] == [FORGOTTEN]


def test_a_name_that_others_say_stays() -> None:
    """And so does one that a person gave: his words are nobody's claim."""
    assert renamed(theme("heel drops"), [STAYS], GONE).name == "heel drops"
    assert renamed(theme("Loading of the heel"), [STAYS], GONE).name == "Loading of the heel"


def test_a_theme_nobody_speaks_of_has_no_words() -> None:
    """Until the next run takes it away."""
    assert renamed(theme("quirlish heel drops"), [], GONE).name == FORGOTTEN
