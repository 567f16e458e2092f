"""Where a web archive may be written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from crawler.warc import BadArchive, check


def test_a_file_that_is_no_archive_is_not_written_to(tmp_path: Path) -> None:
    """A slip of the hand must not spoil the settings, nor a crawl end without a word."""
    settings = tmp_path / "folkgrade.toml"
    settings.write_text("[crawl]\n", encoding="utf-8")
    for path, words in ((settings, "no .warc.gz"), (tmp_path, "directory")):
        with pytest.raises(BadArchive, match=words):
            check(path)
    with pytest.raises(BadArchive, match="No such file"):
        check(tmp_path / "none" / "a.warc.gz")
    assert settings.read_text(encoding="utf-8") == "[crawl]\n"


def test_an_archive_may_be_new_or_go_on(tmp_path: Path) -> None:
    """It is made for its owner alone."""
    path = tmp_path / "a.warc.gz"
    check(path)
    assert path.stat().st_mode & 0o077 == 0
    path.write_bytes(b"\x1f\x8b rest")
    check(path)
    assert path.read_bytes() == b"\x1f\x8b rest"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_an_error_and_no_reason_to_wait(tmp_path: Path) -> None:
    """Else the crawl would hang before it began."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadArchive):
        check(tmp_path / "pipe")
