"""Settings that nobody would write: one line that says so, soon."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.settings import SETTINGS_FILE, BadSettings, read_settings

HOSTILE = {
    "[crawl]\ndelay = 1" + "0" * 5000: "limit",
    "[crawl]\ndelay = 0x" + "f" * 9000: "a number too long to be repeated",
    "a = " + "[" * 2000 + "]" * 2000: "too deep",
    ".".join("a" * 100_000) + " = 1": "more than 16 parts",
    "x = {" + ".".join(['"a"'] * 5000) + " = 1}": "more than 16 parts",
    "# " + "a" * 1_000_000: "larger than 1 MB",
    "[crawl]\ndelay = '" + "f" * 9000 + "'": "crawl.delay",
    "[crawl]\n" + "x" * 9000 + " = 1": "unknown setting",
}


@pytest.mark.parametrize(("text", "why"), HOSTILE.items(), ids=list(HOSTILE.values()))
def test_hostile_settings_are_refused_in_one_short_line(
    tmp_path: Path, text: str, why: str
) -> None:
    """Whatever the reader of TOML makes of them, the file and the reason are told."""
    path = tmp_path / SETTINGS_FILE
    path.write_text(text)
    with pytest.raises(BadSettings) as caught:
        read_settings(path, {})
    said = str(caught.value)
    assert said.startswith(SETTINGS_FILE)
    assert why in said
    assert len(said.splitlines()) == 1
    assert len(said) < 320


def test_a_name_of_some_parts_is_read(tmp_path: Path) -> None:
    """As are addresses and dots in texts."""
    path = tmp_path / SETTINGS_FILE
    path.write_text('crawl.contact = "https://a.b.c.d.example/x.y.z ... ..."\nproject.name = "p"\n')
    assert read_settings(path, {}).crawl.contact.endswith("... ...")
