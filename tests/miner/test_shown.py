"""What the learned part says of whole sentences, and how it reaches the claims in them."""

from __future__ import annotations

import pytest

from miner import sieve

torch = pytest.importorskip("torch")

from miner import tagger as learned  # noqa: E402
from miner.tagger import SHOWN, Candidate, Tagger, pooled  # noqa: E402


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    """The shipped tagger, leaning to finding spans as in use."""
    tagger = Tagger()
    tagger.lean = 100.0
    return tagger


def said(tagger: Tagger, text: str, place: str, name: str) -> float:
    """What is shown of the first remedy of a text."""
    [found] = tagger.read([("", text)])
    remedy = next(one for one in found if one.kind == sieve.KINDS.index("remedy"))
    return sieve.shown(remedy)[f"{place} {name}"]


def test_sieve_and_tagger_name_the_same_answers() -> None:
    """The names of what a sentence says stand in two modules and agree."""
    assert sieve.SHOWN == SHOWN
    assert sieve.KINDS == learned.KINDS


def test_a_sentence_is_pooled_by_what_counts() -> None:
    """A word of great importance decides, whatever the others say."""
    words = torch.zeros(3, 2, len(SHOWN))
    words[1, 0], words[1, 1], words[2, 1] = 20.0, 2.0, -9.0
    assert torch.allclose(pooled(words), torch.full((len(SHOWN),), 2.0), atol=1e-3)


def test_where_no_sentence_is_nothing_is_shown() -> None:
    """A claim in the only sentence has no next one; old candidates have none at all."""
    bare = Candidate(
        kind=3,
        start=0,
        end=3,
        tagged=(),
        begun=(),
        kept=(),
        outcome=(),
        assertion=(),
        experiencer=(),
    )
    assert sieve.shown(bare) == {}


@pytest.mark.parametrize(
    ("verdict", "more", "less"),
    [
        ("It worked brilliantly and the pain is gone.", "helped", "nothing"),
        ("It did absolutely nothing for me.", "nothing", "helped"),
    ],
)
def test_the_next_sentence_tells_the_outcome(
    tagger: Tagger, verdict: str, more: str, less: str
) -> None:
    """A verdict that follows the remedy is seen from the remedy."""
    text = f"In March I tried acupuncture for my heel. {verdict}"
    assert said(tagger, text, "next", more) > said(tagger, text, "next", less)


def test_a_causal_sentence_is_told_from_a_plain_one(tagger: Tagger) -> None:
    """The same remedy stands in a sentence that tells a cause and in one that does not."""
    causal = "The swelling was caused by the tight wrap, so I took ibuprofen."
    plain = "I took ibuprofen on Monday and on Tuesday."
    assert said(tagger, causal, "here", "causal") > said(tagger, plain, "here", "causal")
