"""One house and one headless Chromium for the whole room; every test is signed in anew."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, expect, sync_playwright

from byourside_server.calls.call import Call, Field
from tests.dashboard.house import (
    BROKEN,
    BUSY,
    FIELDS,
    HOOK,
    MACHINE,
    NOBODY,
    House,
)

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
)
# A slow machine takes its time; what never comes is no less missed.
TIMEOUT_MS = 30_000
expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("dashboard"))
    house.start()
    try:
        yield house
    finally:
        house.stop()


@pytest.fixture(scope="package")
def finished(house: House) -> Call:
    """A call with everything on its page."""
    return house.over(
        house.place(
            objective="Confirm tomorrow's appointment at two, or find a new time.",
            context="The patient is Ms. Example; she has moved it before.",
            fields=FIELDS,
            webhook_url=HOOK,
            metadata={"patient": 42},
            must_say=("Please bring your insurance card.",),
            must_ask=("Do you have any allergies?",),
        )
    )


@pytest.fixture(scope="package")
def many(house: House, finished: Call) -> list[Call]:
    """Calls of every outcome, more than one page of them."""
    ends = (NOBODY, BUSY, BROKEN, MACHINE)
    fields = (Field("confirmed", "boolean"),)
    placed = [house.place(to, f"Errand number {n}.") for n in range(6) for to in ends]
    talked = [house.place(objective=f"Ask about {n}.", fields=fields) for n in range(6)]
    return [house.over(call) for call in (*placed, *talked)]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium on this machine (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser
        browser.close()


def opened(browser: Browser, house: House, *, width: int = 1440, dark: bool = False) -> BrowserContext:
    """A new profile whose pages may fail no script."""
    context = browser.new_context(
        base_url=house.url,
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        timezone_id="America/New_York",
        locale="en-US",
    )
    context.set_default_timeout(TIMEOUT_MS)
    return context


def sign_in(context: BrowserContext, house: House) -> None:
    token = house.session(secrets.token_urlsafe(32))
    context.add_cookies([{"name": "byourside", "value": token, "url": house.url, "httpOnly": True}])


@pytest.fixture(scope="package")
def profile(browser: Browser, house: House) -> Iterator[BrowserContext]:
    """One profile for most tests: making one for each takes longer than they do."""
    profile = opened(browser, house)
    profile.new_page()
    yield profile
    profile.close()


@pytest.fixture
def page(profile: BrowserContext, house: House) -> Iterator[Page]:
    """A page signed in anew, whose scripts may not fail, and whose policy may not be broken."""
    sign_in(profile, house)
    [page] = profile.pages
    faults: list[str] = []

    def note_error(error: Error) -> None:
        faults.append(str(error))

    def note_line(line: ConsoleMessage) -> None:
        if "Content Security Policy" in line.text:
            faults.append(line.text)

    page.on("pageerror", note_error)
    page.on("console", note_line)
    yield page
    page.remove_listener("pageerror", note_error)
    page.remove_listener("console", note_line)
    page.goto("about:blank")
    assert faults == []


@pytest.fixture
def stranger(browser: Browser, house: House) -> Iterator[Page]:
    """A page of somebody who is not signed in."""
    context = opened(browser, house)
    yield context.new_page()
    context.close()


def heard_at(page: Page) -> float:
    """The second that is being played, as soon as there is one."""
    found: float = page.evaluate(
        """(patienceMs) => new Promise((done) => {
          const audio = document.querySelector("audio");
          const look = () => {
            if (!audio.seeking && audio.currentTime > 0) done(audio.currentTime);
          };
          for (const name of ["seeked", "timeupdate"]) audio.addEventListener(name, look);
          setTimeout(() => done(-1), patienceMs);
        })""",
        TIMEOUT_MS,
    )
    return found


AXE = Path(__file__).resolve().parents[2] / "build" / "axe-core" / "axe.min.js"
