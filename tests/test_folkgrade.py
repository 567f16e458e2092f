"""The front door: commands as a person types them, bad input, exit codes."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sqlite3
import subprocess
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

import pytest

import folkgrade
from console.project import make_project
from console.settings import read_settings

THREAD = """\
Heel pain every morning

My heel kills me for the first ten steps every morning. I think it is from running in worn shoes.

2 Likes

Had the same. Calf raises on a step fixed it for me, took four months though.

1 Like

Thanks, will try the calf raises and report back!
"""


Done = subprocess.CompletedProcess[str]


def started(*arguments: str | Path, cwd: Path) -> Done:
    """The command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "folkgrade", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(Path(folkgrade.__file__).parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def run(*arguments: str | Path, cwd: Path, **environment: str) -> Done:
    """The command line in this process, which saves the loading of everything; as `started`."""
    typed = ["folkgrade", *map(str, arguments)]
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        patch.object(sys, "argv", typed),
        patch.dict(os.environ, environment),
        contextlib.chdir(cwd),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            folkgrade.main()
        except SystemExit as end:
            code = int(end.code or 0)
        except BaseException:
            code = 1
            traceback.print_exc()
    return subprocess.CompletedProcess(typed, code, out.getvalue(), err.getvalue())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "heels"
    make_project(folder)
    (folder / "thread.txt").write_text(THREAD, encoding="utf-8")
    return folder


def assert_one_line(done: Done, code: int, *words: str) -> None:
    """An expected failure: its exit code, one line on stderr with these words, no traceback."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0]


def test_init_makes_a_project_and_leaves_an_old_one_alone(tmp_path: Path) -> None:
    """The settings file is written once; a second init says so."""
    assert run("init", "hips", "--name", 'Hip "forum"', cwd=tmp_path).returncode == 0
    settings = tmp_path / "hips" / "folkgrade.toml"
    before = settings.read_text(encoding="utf-8")
    assert read_settings(settings, {}).project.name == 'Hip "forum"'
    again = run("init", "hips", cwd=tmp_path)
    assert "already there" in again.stderr
    assert settings.read_text(encoding="utf-8") == before
    assert (tmp_path / "hips" / "data").stat().st_mode & 0o077 == 0


def test_outside_a_project_the_way_in_is_said(tmp_path: Path) -> None:
    """Bad configuration, exit code 4."""
    assert_one_line(started("status", cwd=tmp_path), 4, "folkgrade.toml", "folkgrade init")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[crawl]\ndely = 2\n", ["crawl.dely", "unknown setting", "did you mean delay"]),
        ("[crawl]\ndelay = 'soon'\n", ["crawl.delay", "number", "'soon'"]),
        ("[crawl]\ndelay = -1\n", ["crawl.delay", "greater than or equal to 0"]),
        ("[sites]\nurl = 'x'\n", ["sites", "did you mean site"]),
        ("[[site]]\nurl = 'https://x.example'\nonw = true\n", ["site.0.onw", "did you mean own"]),
        ("[crawl]\ncontact = 'a\\nb'\n".replace("'", '"'), ["crawl.contact", "one line"]),
        ("[crawl\n", ["not readable as TOML"]),
    ],
)
def test_bad_settings_name_the_place_and_the_way_out(
    project: Path, text: str, words: list[str]
) -> None:
    """Exit code 4, one line with file, setting and what to write instead."""
    (project / "folkgrade.toml").write_text(text, encoding="utf-8")
    assert_one_line(run("status", cwd=project), 4, "folkgrade.toml", *words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("url = 'forum.example'", ["folkgrade.toml", "https://"]),
        ("url = 'https://x.example'\nengine = 'nope'", ["folkgrade.toml", "nope", "phpbb"]),
        (
            "url = 'https://x.example'\nsince = 2030-01-01\nuntil = 2020-01-01",
            ["x.example", "2030-01-01", "after until"],
        ),
    ],
)
def test_a_site_of_the_settings_that_cannot_be_is_bad_configuration(
    project: Path, text: str, words: list[str]
) -> None:
    """Found out before anything is asked for: exit code 4, one line."""
    (project / "folkgrade.toml").write_text(f"[[site]]\n{text}\n", encoding="utf-8")
    assert_one_line(run("crawl", cwd=project), 4, *words)


def test_a_variable_overrules_the_file_and_is_checked_like_it(project: Path) -> None:
    """FOLKGRADE_SECTION__KEY wins; a wrong one is named."""
    path = project / "folkgrade.toml"
    assert read_settings(path, {"FOLKGRADE_CRAWL__DELAY": "2.5"}).crawl.delay == 2.5
    wrong = run("status", cwd=project, FOLKGRADE_MINE__EMBEDER="tfidf")
    assert_one_line(wrong, 4, "FOLKGRADE_MINE__EMBEDER", "did you mean embedder")


def test_import_reports_each_bad_file_and_keeps_the_good_ones(project: Path) -> None:
    """Empty, binary and missing files are one line each; exit code 3, nothing lost."""
    (project / "empty.txt").touch()
    (project / "picture.txt").write_bytes(bytes(range(256)) * 40)
    done = run("import", "thread.txt", "empty.txt", "picture.txt", "gone.txt", cwd=project)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    for name, cause in [("empty", "empty"), ("picture", "binary"), ("gone", "no such file")]:
        line = next(line for line in done.stderr.splitlines() if f"{name}.txt" in line)
        assert cause in line
    counts = json.loads(run("status", "--json", cwd=project).stdout)
    assert [site["threads"] for site in counts["sites"]] == [1]
    assert_one_line(run("import", "empty.txt", cwd=project), 1, "empty.txt")


def test_broken_utf8_is_read_and_noted(project: Path) -> None:
    """A byte that is no text costs that byte, not the file."""
    (project / "broken.txt").write_bytes(THREAD.encode() + b"\n\xff\xfe it helped \xe9t\xe9\n")
    assert run("import", "broken.txt", cwd=project).returncode == 0


def test_a_line_of_20_megabytes_ends_in_time(project: Path) -> None:
    """Read or refused, with a clear line, and the project is as it was."""
    (project / "long.txt").write_text("hip pain " * 2_300_000, encoding="utf-8")
    done = run("import", "long.txt", cwd=project)
    assert done.returncode in (0, 1)
    assert "Traceback" not in done.stderr
    assert "long.txt" in done.stderr


def test_a_locked_database_is_one_line(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else writes: named, exit code 1, and a second try works."""
    monkeypatch.setenv("FOLKGRADE_BUSY_SECONDS", "0.5")
    assert run("import", "thread.txt", cwd=project).returncode == 0
    holder = sqlite3.connect(project / "data" / "folkgrade.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    (project / "other.txt").write_text(THREAD.replace("Heel", "Foot"), encoding="utf-8")
    done = run("import", "other.txt", cwd=project)
    assert_one_line(done, 1, "folkgrade.db", "another process is writing")
    holder.execute("ROLLBACK")
    assert run("import", "other.txt", cwd=project).returncode == 0


def test_a_site_that_cannot_be_reached_is_said(project: Path) -> None:
    """No network: exit code 1, a line with the site, no traceback."""
    done = run("crawl", "http://127.0.0.1:9/", cwd=project)
    assert done.returncode == 1
    assert "127.0.0.1:9: unreachable" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("address", ["forum.example", "ftp://forum.example/x", "javascript:1"])
def test_what_is_no_address_is_refused(project: Path, address: str) -> None:
    """One line that shows how an address looks."""
    assert_one_line(run("crawl", address, cwd=project), 1, address, "https://")


def test_mining_nothing_and_listing_nothing_say_what_to_do(project: Path) -> None:
    """An empty project is no error; themes before a run are."""
    assert_one_line(run("themes", cwd=project), 1, "folkgrade mine")
    assert "folkgrade crawl" in run("status", cwd=project).stdout


def test_an_unknown_embedder_lists_the_known_ones(project: Path) -> None:
    """The setting is named by its value, with what could stand there."""
    run("import", "thread.txt", cwd=project)
    done = run("mine", cwd=project, FOLKGRADE_MINE__EMBEDDER="miniml")
    assert done.returncode == 4
    assert "miniml" in done.stderr
    assert "tfidf" in done.stderr
    assert "Traceback" not in done.stderr


def test_names_are_shown_just_as_they_are(project: Path) -> None:
    """Neither markup nor control characters of a name reach the terminal as such."""
    done = started("import", "gone[/b].txt", "gone\x1b[31m.txt", ":smile:.txt", cwd=project)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "gone[/b].txt" in done.stderr
    assert ":smile:.txt" in done.stderr
    assert "\x1b" not in done.stderr


def test_forgetting_the_unknown_says_so(project: Path) -> None:
    """A typo in a pseudonym must not look like success."""
    run("import", "thread.txt", cwd=project)
    assert_one_line(run("forget", "m_nobody", cwd=project), 1, "m_nobody", "nothing of that")


@pytest.mark.parametrize("address", ["foo://x", "", "nowhere/else/x.db"])
def test_an_impossible_database_is_bad_configuration(project: Path, address: str) -> None:
    """Exit code 4, with the setting."""
    done = run("status", cwd=project, FOLKGRADE_PROJECT__DATABASE=address)
    assert_one_line(done, 4, "project.database")


def test_usage_errors_exit_with_2(project: Path) -> None:
    """An unknown command or option is a matter of usage."""
    assert started("mien", cwd=project).returncode == 2
    assert run("themes", "--kind", "cure", cwd=project).returncode == 2
