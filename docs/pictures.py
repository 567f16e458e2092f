"""Takes the pictures of the documents from the mined demo project, so that they never go stale.

./run demo --check && .venv/bin/python docs/pictures.py [PROJECT]
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from crawler.database import open_database
from dashboard.serve import start
from miner.knowledge import Knowledge

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
PICTURES = ROOT / "docs" / "pictures"
DRAWINGS = {"map", "atlas"}
"""Pages of which the drawing alone is taken."""
WHOLE = "!document.querySelector('[data-testid=stSkeleton]')"
"""That nothing is a grey box still."""
QUIET = "[data-testid=stApp][data-test-script-state=notRunning]"


def main(project: Path) -> None:
    """Writes one PNG per page into docs/pictures."""
    database = str(project / "data" / "folkgrade.db")
    themes = Knowledge(open_database(database)).themes("remedy")
    told = next(theme for theme in themes if theme.tally.reported >= 8 and theme.articles)
    pages = {
        "overview": "overview",
        "theme": f"theme?theme={told.id}",
        "gaps": "gaps",
        "map": "map?least=10",
        "atlas": "atlas?least=2",
    }
    with start(database, 0) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 1250})
        page.set_default_timeout(120_000)
        for name, address in pages.items():
            # A drawing has to fit: what stands below the window's edge, the menu lies over.
            tall = 2600 if name in DRAWINGS else 1250
            page.set_viewport_size({"width": 1400, "height": tall})
            page.goto(f"{server.address}/{address}")
            page.get_by_role("heading", level=1).wait_for()
            page.locator(QUIET).wait_for()
            page.wait_for_function(WHOLE)
            # Charts and tables are drawn after the page is.
            page.wait_for_timeout(4000)
            drawn = page.get_by_test_id("stVegaLiteChart").first
            (drawn if name in DRAWINGS else page).screenshot(path=PICTURES / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "folkgrade-demo")
