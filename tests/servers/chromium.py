"""The system's Chromium, driven by Playwright: what a person sees of a page, and what it asks for."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

from tests.servers.installed import missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    program = shutil.which("chromium") or missing("Chromium", "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Look:
    """A page in a tab: what it has said and asked for."""

    tab: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@contextmanager
def looking_at(browser: Browser, path: Path, **options: Any) -> Iterator[Look]:
    """Open a file in a tab of its own; ``options`` are those of Playwright's ``new_page``."""
    tab = browser.new_page(**options)
    look = Look(tab)
    tab.on("console", lambda message: look.said.append(f"{message.type}: {message.text}"))
    tab.on("pageerror", lambda error: look.said.append(f"error: {error}"))
    tab.on("request", lambda request: look.asked.append(request.url))
    try:
        tab.goto(path.as_uri())
        yield look
    finally:
        tab.close()
