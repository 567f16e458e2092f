"""Whether every page loads: each is run once, as for a reader, without a browser."""

from __future__ import annotations

import os

from dashboard.data import DATABASE
from dashboard.serve import APP, environment, start

__all__ = ["PAGES", "failing_pages"]

PAGES = (
    "overview.py",
    "themes.py",
    "theme.py",
    "gaps.py",
    "brief.py",
    "disputes.py",
    "evidence_map.py",
    "talk.py",
    "search.py",
    "review.py",
    "sources.py",
    "runs.py",
    "methods.py",
    "theme_map.py",
    "exports.py",
)
SECONDS = 60
QUIET = "global.disableWidgetStateDuplicationWarning"
"""The address decides what a widget shows: its default is never taken."""


def failing_pages(database: str) -> dict[str, str]:
    """What is wrong, by page; empty where the server answers and every page loads.

    Raises DashboardError where the server does not start.
    """
    with start(database, 0):
        pass
    before = os.environ.get(DATABASE)
    os.environ[DATABASE] = environment(database)[DATABASE]
    try:
        return _failing()
    finally:
        if before is None:
            del os.environ[DATABASE]
        else:
            os.environ[DATABASE] = before


def _failing() -> dict[str, str]:
    from streamlit import config
    from streamlit.logger import set_log_level
    from streamlit.testing.v1 import AppTest

    # Without a browser Streamlit warns of what only a reader would need.
    config.set_option(QUIET, True)
    set_log_level("ERROR")  # afterwards: the first look at the options sets the level of their own
    app = AppTest.from_file(str(APP), default_timeout=SECONDS).run()
    found: dict[str, str] = {}
    for page in PAGES:
        app.switch_page(page)
        if page == "theme.py":
            theme = _first_theme()
            if theme:
                app.query_params["theme"] = theme
        app.run()
        wrong = [*(error.value for error in app.exception), *(error.value for error in app.error)]
        if wrong:
            found[page] = "; ".join(str(line).splitlines()[0] for line in wrong)
    return found


def _first_theme() -> str | None:
    from dashboard import data

    themes = data.project(data.state()).themes
    return themes[0].id if themes else None
