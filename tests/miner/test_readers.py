"""Documents read by several processes: the order, the failures and the end."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from multiprocessing import active_children
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from crawler.documents import Document, Post, Source, Thread
from miner.model import Claim, Quote
from miner.readers import ALONE, Readers, use

MANY = ALONE + 12


class Speller:
    """A fake engine: the first word of the title is a remedy. Some titles undo it."""

    version = "speller-1"

    def extract(self, document: Document) -> list[Claim]:
        word = document.title.split()[0]
        if word == "broken":
            raise ValueError("a thread nobody can read")
        if word == "deadly":
            os.kill(os.getpid(), signal.SIGKILL)
        if word in ("fatal", "greedy") and not Path(document.title.split()[1]).exists():
            Path(document.title.split()[1]).touch()
            if word == "fatal":
                os.kill(os.getpid(), signal.SIGKILL)
            limit_memory_and_ask_for_more()
        quote = Quote(document=document.source.url, part="title", start=0, text=document.title)
        return [Claim(kind="remedy", phrase=word, phrase_start=0, quote=quote)]


def limit_memory_and_ask_for_more() -> None:
    """What the system says to a process that may have no more."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    former = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**24, former[1]))
    try:
        bytearray(2**28)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, former)


def start(_: str) -> None:
    """In a new process."""
    use(Speller())


def thread(number: int, title: str = "") -> Thread:
    read = datetime(2026, 1, 1, tzinfo=UTC)
    source = Source(url=f"t{number}", site="s", fetched=read, engine="e")
    return Thread(
        source=source,
        title=title or f"word{number} of this",
        posts=(Post(id="1", number=1, text="Nothing.", author="a"),),
    )


def each(
    processes: int, documents: list[Thread]
) -> Iterator[tuple[int, Callable[[], list[Claim]]]]:
    with Readers("spelled", Speller(), processes, start, worth=0) as readers:
        yield from readers.each(enumerate(documents))


def test_several_processes_give_what_one_gives_in_the_same_order() -> None:
    """Keys, claims and order do not depend on the number of processes."""
    documents = [thread(number) for number in range(MANY)]
    alone = [(key, claims()) for key, claims in each(1, documents)]
    assert [(key, claims()) for key, claims in each(2, documents)] == alone
    assert [key for key, _ in alone] == list(range(MANY))


def test_what_is_read_in_no_time_needs_no_process() -> None:
    """Starting one would take longer."""
    documents = [thread(number) for number in range(MANY)]
    alone = [claims() for _, claims in each(1, documents)]

    def refuse(name: str) -> None:
        raise AssertionError(f"a process was started for {name}")

    with Readers("spelled", Speller(), 2, refuse) as readers:
        assert [claims() for _, claims in readers.each(enumerate(documents))] == alone
        assert readers._pool is None


def failures(documents: list[Thread]) -> dict[int, str]:
    """What each document that cannot be read raises, with two processes."""
    found = {}
    for key, claims in each(2, documents):
        try:
            claims()
        except Exception as error:
            found[key] = f"{type(error).__name__}: {error}"
    return found


def test_one_bad_document_is_its_own_failure() -> None:
    """What reading raises is raised for that document alone, wherever it was read."""
    documents = [thread(number) for number in range(MANY)]
    documents[2] = documents[ALONE + 5] = thread(99, "broken thing")
    reason = "ValueError: a thread nobody can read"
    assert failures(documents) == {2: reason, ALONE + 5: reason}


def test_a_process_that_ends_costs_one_document() -> None:
    """The document that ended its process fails; those beside it are read all the same."""
    documents = [thread(number) for number in range(MANY)]
    documents[ALONE + 3] = thread(99, "deadly thing")
    found = failures(documents)
    assert list(found) == [ALONE + 3]
    assert found[ALONE + 3].startswith("TooLarge: reading it takes more memory than there is")


@pytest.mark.parametrize("word", ["fatal", "greedy"])
def test_a_process_that_runs_out_of_memory_once_costs_nothing(tmp_path: Path, word: str) -> None:
    """Killed by the system or refused by it: read once more alone, the claims are the same."""
    documents = [thread(number) for number in range(MANY)]
    once = thread(99, f"{word} {tmp_path / 'struck'}")
    documents[ALONE + 3] = once
    found = [(key, claims()) for key, claims in each(2, documents)]
    assert (tmp_path / "struck").exists()
    assert found == [(key, claims()) for key, claims in each(1, documents)]


def test_documents_are_taken_only_a_few_ahead() -> None:
    """Memory does not grow with what is still to be read."""
    taken = 0

    def source() -> Iterator[tuple[int, Thread]]:
        nonlocal taken
        for taken in range(1, 101):
            yield taken, thread(taken)

    with Readers("spelled", Speller(), 2, start, worth=0) as readers:
        for given, (_, claims) in enumerate(readers.each(source()), 1):
            claims()
            assert taken - given <= 2 * 3 + 1
    assert taken == 100


def interrupted(left: list[BaseProcess]) -> None:
    """Reads until processes are at work, notes them, and is interrupted."""
    documents = [thread(number) for number in range(MANY)]
    with Readers("spelled", Speller(), 2, start, worth=0) as readers:
        for key, claims in readers.each(enumerate(documents)):
            claims()
            if key == ALONE + 2:
                left += active_children()
                raise KeyboardInterrupt


def test_an_interruption_ends_the_processes() -> None:
    """Control-C comes through, and nothing is left behind."""
    left: list[BaseProcess] = []
    with pytest.raises(KeyboardInterrupt):
        interrupted(left)
    assert left
    assert not any(process.is_alive() for process in left)
