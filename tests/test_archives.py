"""Files that come from others: what swells, what points elsewhere, names that lead out."""

from __future__ import annotations

import os
import tracemalloc
import zipfile
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.copies import contents
from crawler.errors import StoreError
from crawler.files import Request, read_paths
from miner.export import obsidian
from miner.model import Theme

WANTED = Request(fetched=datetime(2026, 1, 1, tzinfo=UTC), site="heels.example")


def test_a_note_of_a_backup_that_swells_is_refused_in_little_room(tmp_path: Path) -> None:
    """A hundred kilobytes that would become a hundred megabytes of brackets."""
    bomb = tmp_path / "heels.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("backup.json", b" " * 100_000_000)
    assert bomb.stat().st_size < 200_000
    tracemalloc.start()
    with pytest.raises(StoreError, match="no backup"):
        contents(bomb)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 5_000_000


def test_of_a_folder_only_its_own_files_are_read(tmp_path: Path) -> None:
    """Links to elsewhere and to themselves, and pipes, are passed over; a link within is not."""
    (tmp_path / "private.txt").write_text("Diary\n\nMy own heel hurts, and nobody may know.\n")
    folder = tmp_path / "dump"
    folder.mkdir()
    (folder / "own.txt").write_text("Heel\n\nMy heel hurts when I run, ever since May.\n")
    (folder / "again.txt").symlink_to("own.txt")
    (folder / "out.txt").symlink_to(tmp_path / "private.txt")
    (folder / "up.txt").symlink_to("../private.txt")
    (folder / "loop.txt").symlink_to("loop.txt")
    (folder / "there").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.txt")
    steps = list(read_paths([folder], WANTED))
    assert {step.path.name for step in steps} == {"own.txt", "again.txt"}
    assert "nobody may know" not in str(steps)


def test_an_archive_that_is_no_dump_is_no_document(tmp_path: Path) -> None:
    """Nothing in it is unpacked or followed."""
    path = tmp_path / "posts.txt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../evil.txt", "x")
    (step,) = read_paths([path], WANTED)
    assert step.failure is not None
    assert not list(tmp_path.glob("**/evil.txt"))


@given(name=st.text(max_size=80) | st.sampled_from(["../../x", "/etc/passwd", "..", "con", "a\\b"]))
def test_no_name_of_a_theme_leads_a_note_out_of_its_vault(name: str) -> None:
    """A folder of a kind and a file in it, fit for every file system."""
    theme = Theme(id="rem-3f9a1c", kind="remedy", name=name, claims=())
    path = PurePosixPath(f"{obsidian._title(theme)}.md")
    assert len(path.parts) == 2
    assert not {"..", "."} & set(path.parts)
    assert not set('\\:*?"<>|\0') & set(path.name)
    assert len(path.name) < 100
