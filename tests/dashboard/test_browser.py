"""A reader's ways through the dashboard, in a real browser."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from crawler.database import open_database
from dashboard.serve import Server, start
from miner.knowledge import Knowledge
from miner.model import Mined

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.browser

WAIT = 60_000
HOSTILE_NAME = (
    "<img src=https://evil.example/n.png> **bold** [x](javascript:alert(1)) :red[r] $a$ "
    "www.evil.example :smile: :material/home: -> a@evil.example"
)
"""A theme's name in the small project."""
PATHS = [
    "themes",
    "gaps",
    "contradictions",
    "map",
    "talk",
    "search",
    "search?q=heel+shoes&by=words",
    "sources",
    "brief?theme=rem-hostile",
    "review",
    "review?desk=Themes&theme=rem-hostile",
    "runs",
    "methods",
    "atlas",
    "atlas?zoom=4&at=rem-heeldrops",
    "exports",
]
"""Pages besides the overview and a theme's."""
HOSTILE_LINKS = "a[href*='evil'], a[href^='javascript'], a[href^='mailto'], img[src*='evil']"


@pytest.fixture(scope="module")
def server(small_project: Path) -> Iterator[Server]:
    """The dashboard of the small project."""
    with start(str(small_project)) as running:
        yield running


@pytest.fixture
def reader(chromium: Browser, server: Server) -> Iterator[Page]:
    """A page that fails the test for an error in its console or a request off this machine."""
    context = chromium.new_context(viewport={"width": 1300, "height": 1600})
    page = context.new_page()
    page.set_default_timeout(WAIT)
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    yield page
    context.close()
    # Streamlit looks for its server beside each page before it looks at the root.
    assert [line for line in wrong if "404 (Not Found)" not in line] == []
    off = [url for url in asked if not url.startswith((server.address, "data:", "blob:"))]
    sockets = server.address.replace("http", "ws")
    assert [url for url in off if not url.startswith(sockets)] == []


def visit(page: Page, server: Server, path: str, title: str) -> None:
    page.goto(f"{server.address}/{path}")
    at(page, title)


def at(page: Page, title: str) -> None:
    """Waits until the page of that title is drawn and quiet."""
    page.get_by_role("heading", level=1, name=title, exact=True).wait_for()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def section(page: Page, name: str) -> Locator:
    """A section of the navigation."""
    return page.get_by_test_id("stTopNavSection").filter(has_text=name)


def menu(page: Page, within: str, name: str) -> None:
    """Goes to a page by the navigation."""
    section(page, within).click()
    page.get_by_role("menuitem", name=name, exact=True).click()


def test_from_the_overview_to_the_quotes_are_two_clicks(reader: Page, server: Server) -> None:
    """Overview, a theme, its words with date and place."""
    visit(reader, server, "", "Overview")
    reader.get_by_role("link", name="heel drops · 13 authors").click()
    at(reader, "heel drops")
    assert reader.url == f"{server.address}/theme?theme=rem-heeldrops"
    reader.get_by_role("radio", name="Worse 1").or_(
        reader.get_by_role("button", name="Worse 1")
    ).click()
    reader.get_by_text("1 author, one entry each").wait_for()
    assert reader.get_by_text("“After heel drops it was worse.”").count() == 1
    assert "stance=worse" in reader.url
    link = reader.get_by_role("link", name="Open the post ↗")
    assert link.get_attribute("href") == "https://forum.example/t/calf/1#p9"


def test_a_deep_link_survives_back_and_reload(reader: Page, server: Server) -> None:
    """The address opens the theme; after another page Back returns to it, and so does reload."""
    visit(reader, server, "theme?theme=rem-magnets", "magnet socks")
    menu(reader, "Write", "Gaps")
    at(reader, "Gaps")
    reader.go_back()
    at(reader, "magnet socks")
    reader.reload()
    at(reader, "magnet socks")
    assert reader.url.endswith("/theme?theme=rem-magnets")


def test_back_returns_to_the_theme_one_came_from(reader: Page, server: Server) -> None:
    """From a theme to a related one and back."""
    visit(reader, server, "theme?theme=rem-heeldrops&tab=Related", "heel drops")
    reader.get_by_role("button", name="magnet socks").click()
    at(reader, "magnet socks")
    assert "theme=rem-magnets" in reader.url
    reader.go_back()
    at(reader, "heel drops")
    assert "theme=rem-heeldrops" in reader.url


def test_the_table_opens_a_theme_and_the_keyboard_another(reader: Page, server: Server) -> None:
    """A click on a row's button, or a typed name, leads to the theme."""
    visit(reader, server, "themes", "Themes")
    reader.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    click_first_row(reader, "heel drops")
    at(reader, "heel drops")
    reader.go_back()
    at(reader, "Themes")
    reader.get_by_label("Open a theme").click()
    reader.keyboard.type("cold")
    reader.keyboard.press("Enter")
    at(reader, "cold baths")


def click_first_row(page: Page, theme: str) -> None:
    """Clicks the first row's button until it leads on: the table is drawn after its place is."""
    heading = page.get_by_role("heading", name=theme, exact=True, level=1)
    for _ in range(6):
        page.get_by_test_id("stDataFrame").click(position={"x": 50, "y": 35 + 17})
        page.wait_for_timeout(3_000)
        if heading.count():
            return


def test_a_mark_of_the_map_opens_its_theme_and_back_returns(reader: Page, server: Server) -> None:
    """A click on a mark leads on once; after Back the map stays."""
    visit(reader, server, "map", "Evidence map")
    reader.locator("svg path[aria-label*='magnet socks']").first.click()
    at(reader, "magnet socks")
    assert "theme=rem-magnets" in reader.url
    reader.go_back()
    at(reader, "Evidence map")
    reader.wait_for_timeout(1_000)
    at(reader, "Evidence map")
    visit(reader, server, "talk", "Talk and evidence")
    reader.locator("svg path[aria-label*='cold baths']").first.click()
    at(reader, "cold baths")


def test_a_search_has_an_address_and_leads_to_quote_and_source(
    reader: Page, server: Server
) -> None:
    """Typed words are in the address, which reopens the answer; it links to theme and post."""
    visit(reader, server, "search?by=words", "Search")
    reader.get_by_label("Words to look for").fill("magnet sock")
    reader.keyboard.press("Enter")
    reader.get_by_text("passages, the likeliest first").wait_for()
    assert "q=magnet" in reader.url
    address = reader.url
    assert reader.locator("mark").first.inner_text().lower() in ("magnet", "magnet socks")
    link = reader.get_by_role("link", name="Open the source ↗").first
    assert str(link.get_attribute("href")).startswith("https://")
    reader.get_by_role("link", name="magnet socks →").first.click()
    at(reader, "magnet socks")
    reader.goto(address)
    reader.get_by_text("passages, the likeliest first").wait_for()


def test_the_overview_answers_at_its_name_too(reader: Page, server: Server) -> None:
    """/ and /overview both show it, without a word of a missing page, and once in the menu."""
    for path in ("", "overview"):
        visit(reader, server, path, "Overview")
        assert reader.get_by_text("Page not found").count() == 0
        section(reader, "Look").click()
        assert reader.get_by_role("menuitem", name="Overview", exact=True).count() == 1


def test_hostile_text_is_inert_and_nothing_scrolls_sideways_at_320_pixels(
    reader: Page, server: Server
) -> None:
    """Markup in a post and in a theme's name is shown as it is: no picture, link or script.

    The narrowest phone shows each page so, even with a word of 400 letters; choices that find no
    room in a row go on in the next one.
    """
    reader.set_viewport_size({"width": 320, "height": 900})
    widths = "[document.documentElement, document.querySelector('[data-testid=stMain]')]"
    groups = "[...document.querySelectorAll('[data-testid=stButtonGroup] div')]"
    for path in ["", "theme?theme=rem-hostile", *PATHS]:
        reader.goto(f"{server.address}/{path}")
        reader.get_by_role("heading", level=1).wait_for()
        reader.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        assert reader.evaluate(f"Math.max(...{widths}.map(e => e.scrollWidth))") <= 320, path
        assert reader.evaluate(f"{groups}.every(e => e.scrollWidth <= e.clientWidth)"), path
        if path.startswith("theme?"):
            shown = reader.get_by_role("heading", level=1).inner_text().replace("\u2060", "")
            assert shown == HOSTILE_NAME
            assert reader.get_by_text("<script>window.pwned = 1</script>").count() == 1
        assert reader.evaluate("window.pwned") is None
        assert reader.locator(HOSTILE_LINKS).count() == 0
        assert reader.locator("[data-testid=stMain] .katex").count() == 0


def test_nothing_scrolls_sideways_at_twice_the_size(chromium: Browser, server: Server) -> None:
    """A window of 1,280 pixels enlarged to 200 %."""
    context = chromium.new_context(viewport={"width": 640, "height": 500}, device_scale_factor=2)
    page = context.new_page()
    page.set_default_timeout(WAIT)
    main = "document.querySelector('[data-testid=stMain]').scrollWidth"
    for path in ("theme?theme=rem-hostile", "themes", "map", "atlas", "gaps", "exports"):
        page.goto(f"{server.address}/{path}")
        page.get_by_role("heading", level=1).wait_for()
        page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        assert page.evaluate(main) <= 640, path
    context.close()


def test_the_keyboard_alone_leads_to_a_theme_and_its_quotes(reader: Page, server: Server) -> None:
    """Menu, page, theme and stance without a mouse; what has the focus is always to be seen."""
    visit(reader, server, "", "Overview")
    section(reader, "Look").focus()
    reader.keyboard.press("Enter")
    reader.get_by_role("menuitem", name="Themes", exact=True).wait_for()
    focused = "document.activeElement.innerText"
    for _ in range(12):
        if reader.evaluate(focused).strip() == "Themes":
            break
        reader.keyboard.press("ArrowDown")
    reader.keyboard.press("Enter")
    at(reader, "Themes")
    reader.get_by_label("Open a theme").focus()
    reader.keyboard.type("heel")
    reader.keyboard.press("Enter")
    at(reader, "heel drops")
    chosen = reader.get_by_role("radio", name="Worse 1").or_(
        reader.get_by_role("button", name="Worse 1")
    )
    chosen.focus()
    reader.keyboard.press("Enter")
    reader.get_by_text("1 author, one entry each").wait_for()


def test_a_mark_of_the_theme_map_opens_its_theme(reader: Page, server: Server) -> None:
    """The choices of the map are in its address; a click on a mark leads to the theme."""
    visit(reader, server, "atlas", "Theme map")
    reader.get_by_text("2 ×", exact=True).click()
    at(reader, "Theme map")
    reader.wait_for_url("**zoom=2**")
    reader.get_by_text("1 ×", exact=True).click()
    at(reader, "Theme map")
    reader.locator("svg path[aria-label*='magnet socks']").first.click()
    at(reader, "magnet socks")


def test_names_of_the_theme_map_show_in_the_colour_of_the_page(
    chromium: Browser, server: Server
) -> None:
    """In the dark they are light; none is drawn in black there."""
    page = chromium.new_page(color_scheme="dark")
    page.set_default_timeout(WAIT)
    visit(page, server, "atlas", "Theme map")
    name = page.locator("svg .role-mark text", has_text="heel drops").first
    name.wait_for()
    assert name.get_attribute("fill") == "#fafafa"
    page.close()


def test_an_export_is_what_the_filters_let_through(
    reader: Page, server: Server, tmp_path: Path
) -> None:
    """One press makes the file, it opens, and holds the themes that pass, and says why."""
    visit(reader, server, "exports?least=3&quotes=none", "Exports")
    reader.get_by_text("2 themes with their claims").wait_for()
    with reader.expect_download() as waiting:
        reader.get_by_role("button", name="Make and download").click()
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    with zipfile.ZipFile(path) as archive:
        table = next(name for name in archive.namelist() if name.endswith("themes.csv"))
        told = archive.read(table).decode("utf-8-sig")
        whole = b"".join(archive.read(name) for name in archive.namelist()).decode("utf-8-sig")
    assert "rem-heeldrops" in told
    assert "cau-desk" in told
    assert "rem-lonely" not in told
    assert "3 or more" in whole
    assert "heel drops calmed it" not in whole


def test_a_theme_is_cited_and_linked(reader: Page, server: Server, tmp_path: Path) -> None:
    """Its studies come as RIS, and its address is there to be copied."""
    visit(reader, server, "theme?theme=rem-heeldrops", "heel drops")
    reader.get_by_role("button", name="Cite").click()
    with reader.expect_download() as waiting:
        reader.get_by_role("button", name="RIS").click()
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    assert "10.1234/heel.2020.1" in path.read_text(encoding="utf-8")
    reader.keyboard.press("Escape")
    reader.get_by_role("button", name="Copy link").click()
    reader.get_by_text(f"{server.address}/theme?theme=rem-heeldrops").wait_for()


def test_the_legend_of_the_gaps_fits_320_pixels(reader: Page, server: Server) -> None:
    """On the narrowest phone every name of the legend lies inside the chart."""
    reader.set_viewport_size({"width": 320, "height": 900})
    visit(reader, server, "gaps", "Gaps")
    chart = reader.locator("[data-testid=stVegaLiteChart] :is(svg, canvas)").first
    chart.wait_for()
    drawn = reader.locator("[data-testid=stVegaLiteChart] .role-legend-label text")
    drawn.first.wait_for()
    room = chart.bounding_box()
    assert room is not None
    assert room["x"] + room["width"] <= 320
    for label in drawn.all():
        box = label.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= room["x"] + room["width"] + 1


COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}
"""The rules that a page may keep in the light and break in the dark."""
WAYS: tuple[tuple[Literal["light", "dark"], int, dict[str, list[str]] | None], ...] = (
    ("light", 1400, None), ("light", 320, None), ("dark", 320, COLOURS), ("dark", 1400, COLOURS),
)  # fmt: skip


def test_axe_finds_nothing_against(chromium: Browser, server: Server) -> None:
    """No page breaks a rule of accessibility that a program can check.

    On a desk or a phone, in the light or in the dark.
    """
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is missing")
    page = chromium.new_page()
    ground = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
    theme, seen = "theme?theme=rem-heeldrops", set()
    for path in ["", theme, f"{theme}&tab=Evidence", *PATHS]:
        page.emulate_media(color_scheme="light")
        page.goto(f"{server.address}/{path}")
        page.get_by_role("heading", level=1).wait_for()
        for scheme, width, rules in WAYS:
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 900})
            page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
            page.wait_for_timeout(300)
            seen.add((scheme, page.evaluate(ground)))
            found = axe.Axe().run(page, options=rules).response["violations"]
            where = (path, scheme, width)
            assert [(where, rule["id"], rule["nodes"][0]["html"]) for rule in found] == []
    assert len({colour for _, colour in seen}) == len(seen) == 2
    page.close()


def test_the_menu_of_a_narrow_window_leads_on_and_closes(reader: Page, server: Server) -> None:
    """One list of all pages; a wide window has its sections instead. The filters stay."""
    visit(reader, server, "?least=2", "Overview")
    button = reader.get_by_role("button", name="Pages", exact=True)
    button.wait_for(state="hidden")
    reader.set_viewport_size({"width": 320, "height": 900})
    button.click()
    reader.get_by_role("link", name="Exports", exact=True).wait_for()
    reader.get_by_role("link", name="Themes", exact=True).click()
    at(reader, "Themes")
    assert "least=2" in reader.url
    assert reader.get_by_role("link", name="Exports", exact=True).count() == 0


def test_a_page_of_a_list_and_a_stance_are_in_the_address(reader: Page, server: Server) -> None:
    """What is turned to and chosen in the tabs survives a reload; another choice begins anew."""
    visit(reader, server, "theme?theme=rem-heeldrops", "heel drops")
    reader.get_by_role("button", name="Page 2", exact=True).click()
    reader.wait_for_url("**page=2**")
    reader.reload()
    at(reader, "heel drops")
    assert reader.get_by_test_id("stMain").get_by_text("“").count() == 3
    reader.get_by_role("radio", name="Helped 7").or_(
        reader.get_by_role("button", name="Helped 7")
    ).first.click()
    reader.get_by_text("7 authors, one entry each").wait_for()
    assert "stance=helped" in reader.url
    assert "page=" not in reader.url


def test_from_a_gap_to_a_brief_in_word(reader: Page, server: Server, tmp_path: Path) -> None:
    """One click makes the brief; what was edited is in the document that is downloaded."""
    docx = pytest.importorskip("docx")
    visit(reader, server, "gaps", "Gaps")
    reader.get_by_role("link", name="Make a brief →").first.click()
    at(reader, "Brief: sitting all day")
    assert "theme=cau-desk" in reader.url
    reader.get_by_role("tab", name="Edit").click()
    field = reader.get_by_label("Brief", exact=True)
    field.fill("# Mine\n\nWords of **my** own.\n\n- one")
    field.blur()
    at(reader, "Brief: sitting all day")
    reader.wait_for_timeout(1_000)
    with reader.expect_download() as waiting:
        reader.get_by_role("button", name="Download .docx").click()
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    assert path.name == "brief-sitting-all-day.docx"
    assert [p.text for p in docx.Document(str(path)).paragraphs] == [
        "Mine", "Words of my own.", "one",
    ]  # fmt: skip


def test_a_merge_and_its_undoing_show_at_once(reader: Page, server: Server) -> None:
    """The old address leads to the merged theme, and to its own again after Undo."""
    visit(reader, server, "review?desk=Themes&theme=rem-lonely", "Review")
    reader.get_by_label("Merge it into").click()
    reader.keyboard.type("heel drops")
    reader.keyboard.press("Enter")
    reader.get_by_role("button", name="Merge", exact=True).click()
    reader.get_by_text("Merged.").wait_for()
    reader.goto(f"{server.address}/theme?theme=rem-lonely")
    at(reader, "heel drops")
    visit(reader, server, "review?desk=History", "Review")
    reader.get_by_role("button", name="Undo").first.click()
    reader.get_by_text("Decision 1 was taken back.").wait_for()
    reader.goto(f"{server.address}/theme?theme=rem-lonely")
    at(reader, "cold baths")


def test_the_queue_is_worked_through_by_keys(reader: Page, server: Server) -> None:
    """A accepts and brings the next claim; U takes it back."""
    visit(reader, server, "review", "Review")
    reader.get_by_role("button", name="Accept").wait_for()
    reader.keyboard.press("a")
    reader.get_by_text("Accepted.", exact=True).wait_for()
    reader.get_by_text("Accepted 1", exact=True).wait_for()
    at(reader, "Review")
    reader.get_by_role("button", name="Undo").wait_for()
    reader.keyboard.press("u")
    reader.get_by_text("was taken back").wait_for()


def test_read_only_leaves_nothing_to_change(chromium: Browser, small_project: Path) -> None:
    """No page Review in the menu, none behind its address, no buttons on contradictions."""
    with start(str(small_project), read_only=True) as sealed:
        page = chromium.new_page()
        page.set_default_timeout(WAIT)
        visit(page, sealed, "contradictions", "Contradictions")
        assert page.get_by_role("button", name="Dismiss").count() == 0
        section(page, "Check").click()
        page.get_by_role("menuitem", name="Sources", exact=True).wait_for()
        assert page.get_by_role("menuitem", name="Review", exact=True).count() == 0
        visit(page, sealed, "review", "Review")
        page.get_by_text("started read-only").wait_for()
        page.close()


def test_a_new_run_shows_without_a_restart(
    reader: Page, server: Server, small_project: Path
) -> None:
    """After a run the next click shows it."""
    visit(reader, server, "", "Overview")
    knowledge = Knowledge(open_database(str(small_project)))
    run = knowledge.last_run()
    assert run is not None
    themes = knowledge.themes()
    knowledge.replace(run, Mined(claims=(), theme_of={}, themes=(replace(themes[0], name="Y"),)))
    knowledge.engine.dispose()
    reader.wait_for_timeout(2500)
    menu(reader, "Look", "Themes")
    at(reader, "Themes")
    reader.get_by_text("1 theme of 1.").wait_for()
