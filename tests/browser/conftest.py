"""A real browser on a real server: Chromium, and the portal with its static files and its strict policy."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, sync_playwright

from accounts import services
from tests.doors import conftest as doors

# Playwright keeps an event loop in this thread; nothing of Django runs inside it.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
PASSWORD = doors.PASSWORD
give_phone = doors.give_phone
DESKTOP, PHONE = {"width": 1360, "height": 900}, {"width": 390, "height": 844}
# Where pictures of every page go when somebody wants to look: PICTURES=/some/folder pytest tests/browser
PICTURES = os.environ.get("PICTURES")


@pytest.fixture(scope="session")
def chromium():
    """One browser for all tests of this process."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    assert program, "Chromium is missing: bin/setup installs it."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"],
        )
        yield browser
        browser.close()


class Visitor:
    """Somebody at a browser. Every page is checked when it is looked at; what the console says is kept."""

    def __init__(self, browser, base: str):
        self.base = base
        self.context = browser.new_context(viewport=DESKTOP, locale="zh-CN", accept_downloads=True)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.complaints: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message) -> None:
        # A refusal shown on a page comes with a 4xx that the console repeats; the page says it better.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def go(self, path: str) -> Page:
        """Open an address of the portal."""
        self.page.goto(self.base + path)
        return self.page

    def press(self, name: str | re.Pattern, *, role="button") -> Page:
        """Press what bears this name, and wait for the page that follows."""
        with self.page.expect_navigation():
            self.page.get_by_role(role, name=name, exact=True).first.click()
        return self.page

    def look(self, name: str) -> None:
        """The page is whole at both widths, has no accessibility violation, and the policy was not broken."""
        for size in (PHONE, DESKTOP):
            self.page.set_viewport_size(size)
            over = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert over <= 0, f"{name} is {over} px too wide at {size['width']} px"
            if PICTURES:
                Path(PICTURES).mkdir(parents=True, exist_ok=True)
                self.page.screenshot(path=f"{PICTURES}/{name}-{size['width']}.png", full_page=True)
            found = Axe().run(self.page).response["violations"]
            said = [f"{each['id']}: {node['html'][:160]}" for each in found for node in each["nodes"]]
            assert not said, f"{name} at {size['width']} px: {said}"
        assert not self.complaints, f"{name}: {self.complaints}"


@pytest.fixture
def visit(chromium, live_server):
    """Make visitors, each with a browser profile of their own."""
    made = []

    def arrive() -> Visitor:
        made.append(Visitor(chromium, live_server.url))
        return made[-1]

    yield arrive
    for visitor in made:
        visitor.context.close()


@pytest.fixture
def sign_in(visit):
    """A visitor signed in as the user `username`; officers with the code of their phone."""

    def enter(username: str, phone: doors.Phone | None = None) -> Visitor:
        visitor = visit()
        page = visitor.go("/accounts/login/")
        page.fill("input[name=login]", username)
        page.fill("input[name=password]", PASSWORD)
        visitor.press("登录")
        if phone is not None:
            page.fill("input[name=code]", phone.code())
            with page.expect_navigation():
                page.keyboard.press("Enter")
        return visitor

    return enter


@pytest.fixture
def officer(give_phone):
    """An officer of the role, with a password and a phone: (user, phone)."""

    def make(username: str, name: str, role: str):
        user = services.create_user(username, name, PASSWORD)
        services.appoint(user, role, valid_from=dt.date(2020, 1, 1))
        return user, give_phone(user)

    return make
