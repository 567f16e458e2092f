"""Takes the pictures of the README from the mined demo project, so that they never go stale.

./run demo --check && .venv/bin/python docs/pictures.py
"""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import sync_playwright

from crawler.database import open_database
from dashboard.serve import start
from miner.knowledge import Knowledge

ROOT = Path(__file__).resolve().parents[1]
DATABASE = ROOT / "folkgrade-demo" / "data" / "folkgrade.db"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")


def main() -> None:
    """Writes one PNG per page into docs/pictures."""
    themes = Knowledge(open_database(str(DATABASE))).themes("remedy")
    told = next(theme for theme in themes if theme.tally.reported >= 8 and theme.articles)
    pages = {"overview": "overview", "theme": f"theme?theme={told.id}", "gaps": "gaps"}
    server = start(str(DATABASE))
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1400, "height": 1250})
            for name, address in pages.items():
                page.goto(f"{server.address}/{address}")
                page.get_by_role("heading", level=1).wait_for()
                page.wait_for_timeout(4000)
                page.screenshot(path=ROOT / "docs" / "pictures" / f"{name}.png")
            browser.close()
    finally:
        server.stop()


if __name__ == "__main__":
    main()
