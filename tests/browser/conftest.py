"""Chromium, if there is one, and the demo it looks at."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

from bot.demo import Demo
from tests.browser.pictures import write_small
from tests.browser.tour import Tour, touring

_ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--no-first-run",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("there is no Chromium on this machine; install Debian's chromium to run the browser tests")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield started
        await started.close()


@pytest.fixture
async def demo() -> AsyncIterator[Demo]:
    running = Demo()
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def page(browser: Browser, demo: Demo) -> AsyncIterator[Page]:
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, device_scale_factor=1)
    opened = await context.new_page()
    await opened.goto(demo.page)
    yield opened
    await context.close()


@pytest.fixture
async def tour(browser: Browser, sqlite_url: str, tmp_path: Path) -> AsyncIterator[Tour]:
    async with touring(browser, sqlite_url, tmp_path) as started:
        yield started


async def picture(page: Page, name: str) -> None:
    """Keep a picture for the documentation, where COUNTERSIGN_SCREENSHOTS names a folder."""
    folder = os.environ.get("COUNTERSIGN_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        await write_small(await page.context.new_page(), await page.screenshot(), Path(folder) / f"{name}.png")
