"""A real browser."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import async_playwright

from tests.browser import chromium

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Browser, Page


@pytest.fixture(scope="session")
def browser_program() -> Path:
    return chromium.find()


@pytest.fixture
async def browser(browser_program: Path) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=browser_program, args=chromium.FLAGS
        )
        yield browser
        await browser.close()


@asynccontextmanager
async def page_of(browser: Browser, width: int, scheme: str) -> AsyncIterator[Page]:
    """Open an empty page as wide as a screen, in light or dark, without a network."""
    context = await browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
        offline=True,
    )
    page = await context.new_page()
    yield page
    await context.close()
