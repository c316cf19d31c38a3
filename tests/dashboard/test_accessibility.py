"""Every page, measured by axe-core in light and dark, wide and narrow; and walked through by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from byourside_server.calls.call import Call
from tests.dashboard.conftest import AXE, heard_at, opened, sign_in
from tests.dashboard.house import HOLDS_ON, TURNS, House

PAGES = (
    "/",
    "/calls",
    "/calls?q=nothing-like-it",
    "/calls/{finished}",
    "/calls/{live}",
    "/calls/new",
    "/developers",
    "/calls/none",
)
RUN_AXE = """async () => {
  const found = await axe.run(document, {resultTypes: ["violations"]});
  return found.violations.filter(v => ["serious", "critical"].includes(v.impact))
    .map(v => `${v.id}: ${v.nodes.map(n => n.html.slice(0, 160)).join(" | ")}`);
}"""


@pytest.fixture(scope="module")
def axe() -> str:
    if not AXE.exists():
        pytest.skip("axe-core is not there: script/setup-browser gets it")
    return AXE.read_text()


@pytest.fixture(scope="module")
def live(house: House) -> Call:
    call = house.until(house.place(HOLDS_ON), "in_progress")
    house.say(call, TURNS[0])
    return call


def violations(page: Page, axe: str) -> list[str]:
    page.evaluate(axe)
    found: list[str] = page.evaluate(RUN_AXE)
    return found


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(("width", "dark"), [(1440, False), (375, True)], ids=["wide light", "narrow dark"])
def test_axe_finds_nothing_serious_on_any_page(
    browser: Browser, house: House, axe: str, finished: Call, live: Call, width: int, dark: bool
) -> None:
    context = opened(browser, house, width=width, dark=dark)
    page = context.new_page()
    page.goto("/sign-in")
    found = {"/sign-in": violations(page, axe)}
    sign_in(context, house)
    for path in PAGES:
        page.goto(path.format(finished=finished.id, live=live.id))
        page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
        found[path] = violations(page, axe)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    context.close()
    assert found == {path: [] for path in found}


def test_axe_finds_nothing_serious_beside_a_shown_secret(page: Page, axe: str) -> None:
    page.goto("/developers")
    page.get_by_role("button", name="Show the secret").click()
    expect(page.locator("#the-secret")).to_be_visible()
    assert violations(page, axe) == []


def test_axe_finds_nothing_serious_in_a_form_that_was_refused(page: Page, axe: str) -> None:
    page.goto("/calls/new")
    page.get_by_label("Number to call").fill("+19001234567")
    page.get_by_label("Objective").fill("Say hello.")
    page.get_by_role("button", name="Place the call").click()
    expect(page.locator("#to")).to_have_attribute("aria-invalid", "true")
    assert violations(page, axe) == []


def test_the_first_tab_leads_past_the_navigation(page: Page) -> None:
    page.goto("/calls")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "New call"


def test_focus_can_be_seen(page: Page) -> None:
    page.goto("/calls")
    for _ in range(3):
        page.keyboard.press("Tab")
    style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert style == "solid"


def test_a_field_is_heard_by_keyboard_alone(page: Page, finished: Call) -> None:
    page.goto(f"/calls/{finished.id}")
    page.get_by_role("button", name="make it three o'clock").focus()
    page.keyboard.press("Enter")
    assert heard_at(page) == pytest.approx(9.3, abs=0.9)
