"""Claims by word weights: the same promises as the model, at another price."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.documents import Post, Source, Thread
from miner import engines
from miner.errors import ModelRefused, UnknownPart
from miner.quick import Quick, Words

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


def test_words_have_their_places(quick: Quick) -> None:
    """Every word and mark stands where it is said to stand, and its rows are in the table."""
    text = "Tried 3 x 15 heel-drops — didn’t help… 🙂"
    words = Words(text, quick.tables.clusters)
    assert [text[a:b].lower() for a, b in words.places] == words.low
    rows = words.rows()
    assert len(rows) == len(words.low)
    assert rows.min() >= 0
    assert rows.max() < len(quick.tables.tags)


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
