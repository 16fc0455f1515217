"""Somebody at a browser: what they see, and what they must never see."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, Response

from tests.browser.house import Running

WIDE, PHONE = (1280, 900), (390, 844)
PATIENCE = 60_000  # a busy machine is slow; what is there in time is not waited for
SHOTS = os.environ.get("BACKROOM_SHOTS", "")
LEAKS = re.compile(r"Traceback \(most recent|psycopg|sqlalchemy|SELECT .+ FROM|jinja2\.|Undefined")
STYLED = re.compile(r"<[^>]+\sstyle\s*=", re.IGNORECASE)
INLINE = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>|<[^>]+\son[a-z]+\s*=\s*[\"']", re.IGNORECASE)
MEASURES = """() => [document.querySelectorAll('h1').length,
  document.scrollingElement.scrollWidth, window.innerWidth]"""
WIDEST = """() => [...document.querySelectorAll('body *')].filter(e => {
  const b = e.getBoundingClientRect();
  return b.width && b.right > innerWidth + 1 && getComputedStyle(e).position !== 'fixed';
}).slice(0, 4).map(e => e.outerHTML.slice(0, 120))"""


@dataclass
class Visitor:
    """A page of a browser that keeps whatever went wrong on it."""

    page: Page
    running: Running
    shots: Path | None
    wrong: list[str] = field(default_factory=list)
    status: int = 0
    html: str = ""
    shot_count: int = 0

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        self.page.on("response", self._answered)
        self.page.on("requestfailed", self._lost)

    def _heard(self, message: ConsoleMessage) -> None:
        # A failed load is told by its answer, which says more.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.wrong.append(f"console: {message.text} at {self.page.url}")

    def _answered(self, response: Response) -> None:
        opened = response.request.is_navigation_request()
        if response.status >= (500 if opened else 400):
            self.wrong.append(f"{response.status} from {response.url}")

    def _lost(self, request: Request) -> None:
        """A script that never arrived has no answer that tells of it; what was left has."""
        if request.resource_type == "script" and "ABORTED" not in (request.failure or ""):
            self.wrong.append(f"{request.failure} for {request.url}")

    @property
    def width(self) -> int:
        """How wide the window is now."""
        return int((self.page.viewport_size or {}).get("width", 0))

    def open(self, path: str) -> int:
        """Go to a path; the status of the page that comes."""
        response = self.page.goto(self.running.url(path))
        assert response is not None
        self.status, self.html = response.status, response.text()
        return self.status

    def sign_in(self, email: str, password: str) -> None:
        """Fill in the door's form and pass."""
        self.open("/admin/login")
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_role("button", name="Sign in", exact=True).click()

    def text(self) -> str:
        """What can be read on the page."""
        return self.page.locator("body").inner_text()

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name)

    def toast(self, words: str) -> Locator:
        """The toast with these words, once it is there."""
        found = self.page.locator(".bk-toast", has_text=words).last
        found.wait_for()
        return found

    def shot(self, name: str) -> None:
        """Keep a picture of the window, if somebody asked for pictures."""
        if self.shots is None:
            return
        self.page.screenshot(path=self.shots / f"{name}-{self.width}.png")

    def find_faults(self) -> list[str]:
        """What is wrong with the page as it was sent and as it stands."""
        found = []
        if LEAKS.search(self.html):
            found.append(f"leaks {LEAKS.search(self.html)}")
        if STYLED.search(self.html):
            found.append(f"style attribute {STYLED.search(self.html)}")
        if INLINE.search(self.html):
            found.append(f"inline script {INLINE.search(self.html)}")
        self.page.wait_for_load_state()  # a click may just be leading elsewhere
        self.page.wait_for_function("() => document.scrollingElement !== null")
        heads, wide, window = self.page.evaluate(MEASURES)
        if heads != 1:
            found.append(f"{heads} h1")
        if wide > window:
            found.append(f"{wide} px in {window}: {self.page.evaluate(WIDEST)}")
        return [f"{self.page.url}: {fault}" for fault in found]

    def check(self) -> None:
        """Nothing is wrong with the page that was opened last."""
        assert not self.find_faults()

    def turn(self, shape: tuple[int, int]) -> None:
        """Look at the page as it stands through another window."""
        self.page.set_viewport_size({"width": shape[0], "height": shape[1]})

    def check_both(self, picture: str = "") -> None:
        """Nothing is wrong with the page as it stands, on the phone and at the desk.

        Last through the window that was open: what is walked once is looked at in both.
        """
        size = self.page.viewport_size or {"width": WIDE[0], "height": WIDE[1]}
        for shape in sorted((PHONE, WIDE), key=lambda shape: shape[0] == size["width"]):
            self.turn(shape)
            if picture:
                self.shot(picture)
            self.check()


Visit = Callable[..., Visitor]
Shape = tuple[int, int]
Cookies = list[dict[str, Any]]
