"""One installation, one Chromium; a new browser context for every visitor."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.calendar_day import Day, day_of_its_own
from tests.browser.house import Running, running
from tests.browser.visiting import PATIENCE, PHONE, SHOTS, WIDE, Cookies, Visit, Visitor
from tests.server import TestServer
from tests.webclient import PASSWORD

# The first draws the same pages without a window around them, which costs half as much again.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser")
CHROMIUM = next(filter(None, map(shutil.which, PROGRAMS)), None)
ARGUMENTS = [
    "--no-sandbox", "--headless", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
WITHOUT = [
    # two pages of the address bar for every window, which nobody sees: a third of all it did
    "WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup", "PreloadTopChromeWebUI",
    "SpareRendererForSitePerProcess",
    # what Playwright leaves out, whose list this one takes the place of
    "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding",
    "ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect", "OptimizationHints",
    "NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch",
]  # fmt: skip
MISSING = "BROWSER TESTS SKIPPED: chromium is missing (Debian: apt-get install chromium)"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium; without it nothing here can run, which is said aloud."""
    if CHROMIUM is None:
        if os.environ.get("BACKROOM_REQUIRE_BROWSER") == "1":
            pytest.fail(MISSING, pytrace=False)
        pytest.skip(MISSING)
    expect.set_options(timeout=PATIENCE)
    arguments = [*ARGUMENTS, f"--disable-features={','.join(WITHOUT)}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shots() -> Path | None:
    """Where pictures go: BACKROOM_SHOTS; without it none are taken."""
    if not SHOTS:
        return None
    Path(SHOTS).mkdir(parents=True, exist_ok=True)
    return Path(SHOTS)


@pytest.fixture(scope="session")
def installation(chromium: Browser, server: TestServer) -> Iterator[Running]:
    """Everything runs, furnished with two vendors."""
    with tempfile.TemporaryDirectory(prefix="br-browser-") as directory:
        Path(directory).chmod(0o711)
        with running(server, Path(directory)) as started:
            yield started


@pytest.fixture(scope="session")
def keys(installation: Running, chromium: Browser) -> dict[str, Cookies]:
    """The cookies of everybody who came in by the door once."""
    return {}


@pytest.fixture
def visit(
    installation: Running, chromium: Browser, keys: dict[str, Cookies], shots: Path | None
) -> Iterator[Visit]:
    """`visit("admin@market.example", PHONE)`: a visitor, signed in; None stays outside.

    At the end nothing may have gone wrong on any page that a visitor saw.
    """
    came: list[Visitor] = []

    def come(
        email: str | None, shape: tuple[int, int] = WIDE, *, own: bool = False, dark: bool = False
    ) -> Visitor:
        context = chromium.new_context(
            viewport={"width": shape[0], "height": shape[1]},
            has_touch=shape == PHONE,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        visitor = Visitor(context.new_page(), installation, shots)
        came.append(visitor)
        if email and not own and email in keys:
            context.add_cookies(keys[email])  # type: ignore[arg-type]
        elif email:
            visitor.sign_in(email, PASSWORD)
            visitor.page.wait_for_selector(".bk-app")
            if not own:
                keys[email] = context.cookies()  # type: ignore[assignment]
        return visitor

    yield come
    wrong = [fault for visitor in came for fault in visitor.wrong]
    for visitor in came:
        visitor.page.context.close()
    assert not wrong


@pytest.fixture(params=[WIDE, PHONE], ids=["wide", "phone"])
def shape(request: pytest.FixtureRequest) -> tuple[int, int]:
    """The window of a desk, and of a phone."""
    return request.param


@pytest.fixture
def day(installation: Running) -> Day:
    """Every test of the calendar has a day of its own."""
    return day_of_its_own(installation)
