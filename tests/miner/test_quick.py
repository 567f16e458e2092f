"""Claims by word weights: the same promises as the model, at another price."""

from __future__ import annotations

import subprocess
import sys
import zlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.documents import Post, Source, Thread
from miner import engines
from miner.checksums import begun, joined
from miner.errors import ModelRefused, UnknownPart
from miner.quick import Quick
from miner.stretches import Homes, shown
from miner.text import sentences
from miner.words import SIZE, Words

ROOT = Path(__file__).resolve().parents[2]


def thread(*texts: str) -> Thread:
    read = datetime(2026, 1, 1, tzinfo=UTC)
    return Thread(
        source=Source(url="t", site="s", fetched=read, engine="e"),
        title="Sore Achilles since May",
        posts=tuple(
            Post(id=str(n), number=n, text=text, author=f"a{n}") for n, text in enumerate(texts, 1)
        ),
    )


@pytest.fixture(scope="module")
def quick() -> Quick:
    """The shipped weights."""
    return Quick()


def test_the_fast_engine_is_found_by_name(quick: Quick) -> None:
    """`mine.engine = "fast"` is this one; its version differs from the model's."""
    found = engines.load("fast")
    assert found.version == quick.version
    assert found.version.startswith("fast-")
    assert engines.load("offline").version != found.version


def test_an_unknown_engine_is_refused_by_name() -> None:
    """The message lists what there is."""
    with pytest.raises(UnknownPart, match=r"no engine named 'slow': known are .*fast.*offline"):
        engines.load("slow")


def test_missing_weights_are_refused(tmp_path: Path) -> None:
    """A file that is missing or damaged is told by its path."""
    with pytest.raises(ModelRefused, match=r"quick\.safetensors"):
        Quick(tmp_path).extract(thread("I tried yoga."))
    (tmp_path / "quick.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(ModelRefused, match=r"quick\.safetensors"):
        Quick(tmp_path).extract(thread("I tried yoga."))


@pytest.mark.parametrize(
    ("said", "phrase"),
    [
        ("I did physical therapy for two months and it helped a lot.", "physical therapy"),
        ("Ibuprofen did nothing for me.", "Ibuprofen"),
        ("Have you tried foam rolling?", "foam rolling"),
    ],
)
def test_plain_remedies_are_found(quick: Quick, said: str, phrase: str) -> None:
    """What is named in plain words is found, marked as found by this engine."""
    found = [claim for claim in quick.extract(thread(said)) if claim.kind == "remedy"]
    assert any(phrase in claim.phrase for claim in found)
    assert {claim.engine for claim in found} == {"fast"}


def test_what_others_said_is_no_claim(quick: Quick) -> None:
    """Quoted words are as blank to this engine as to the other."""
    assert not quick.extract(thread("> Ibuprofen helped me a lot.\n> I tried physical therapy.\n"))


def test_a_document_is_read_the_same_in_any_company(quick: Quick) -> None:
    """Nothing is remembered from one document to the next."""
    one = thread("I tried yoga and it helped.", "My doctor said it is bursitis.")
    other = thread("I blame my old shoes for it.", "Rest made no difference.")
    alone = Quick().extract(one)
    quick.extract(other)
    assert quick.extract(one) == alone


TEXTS = (
    "Tried 3 x 15 heel-drops — didn’t help… 🙂",
    "",
    "Physical therapy fixed my plantar fasciitis. What about ice? A\u0130B and İce too.",
)


def test_words_have_their_places(quick: Quick) -> None:
    """Every word and mark stands where it is said to stand, and its rows are in the table."""
    words, line = Words(TEXTS, quick.vocabulary), " ".join(TEXTS)
    places = zip(words.starts.tolist(), words.ends.tolist(), strict=True)
    low = [quick.vocabulary.low[number] for number in words.numbers.tolist()]
    assert [line[start:end].lower() for start, end in places] == low
    rows = words.rows()
    assert rows.shape[1] == len(words) == len(low)
    assert rows.min() >= 0
    assert rows.max() < SIZE


def read(quick: Quick, *texts: str) -> tuple[list[list[int]], list[list[int]]]:
    """The rows of every word, and of every stretch, of some texts that are read together."""
    words = Words(texts, quick.vocabulary)
    found = quick.stretches(words, texts)
    homes = Homes(words, [sentences(text) for text in texts])
    told, begins = shown(words, found, homes, ["reply"] * len(texts))
    return words.rows().T.tolist(), [one.tolist() for one in np.split(told, begins[1:])]


def test_texts_read_together_do_not_see_each_other(quick: Quick) -> None:
    """Words and stretches of a text show the same beside others as alone."""
    alone = [read(quick, text) for text in (TEXTS[0], TEXTS[2])]
    words, stretches = read(quick, *TEXTS)
    assert words == [row for rows, _ in alone for row in rows]
    assert stretches == [row for _, rows in alone for row in rows]


def test_a_full_vocabulary_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words are numbered anew where there is no room; what is found stays the same."""
    texts = [
        f"I tried yoga{n} and ibuprofen and it helped {'a lot ' * (n % 3)}." for n in range(40)
    ]
    documents = [thread(*texts[n : n + 4]) for n in range(0, 40, 4)]
    wide, narrow = Quick(), Quick()
    found = [wide.extract(one) for one in documents]
    monkeypatch.setattr("miner.words.ROOM", 200)
    assert [narrow.extract(one) for one in documents] == found
    assert len(narrow.vocabulary.low) < len(wide.vocabulary.low)


BYTES = st.text(min_size=0, max_size=20).map(lambda text: text.encode("utf-8", "replace"))


@given(BYTES, BYTES, st.integers(0, 2**32 - 1))
def test_sums_put_together_are_those_of_the_whole(one: bytes, two: bytes, before: int) -> None:
    """What is known of two strings and their lengths gives the sum of both."""
    low, sizes = 0xFFFF, np.array([len(two)])
    first, second = (np.array([zlib.crc32(part)]) for part in (one, two))
    assert joined(first, second, sizes)[0] == zlib.crc32(one + two) & low
    behind = zlib.crc32(one) ^ begun(before)[len(one)]
    assert behind & low == zlib.crc32(one, before) & low


PROGRAM = """
import sys
from datetime import UTC, datetime
from crawler.documents import Post, Source, Thread
from miner.engines import load
source = Source(url="t", site="s", fetched=datetime(2026, 1, 1, tzinfo=UTC), engine="e")
post = Post(id="1", number=1, text="I tried yoga and it helped.", author="a")
load("fast").extract(Thread(source=source, title="Knee", posts=(post,)))
print(sorted({"torch", "spacy", "sklearn", "transformers"} & sys.modules.keys()))
"""


def test_no_network_model_is_loaded() -> None:
    """Reading this way needs neither torch nor a parser: they are not even imported."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
