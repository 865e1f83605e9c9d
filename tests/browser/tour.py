"""The guided tour: the real server, the local workspace, a browser, and pictures of what people see."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Locator, Page, expect

from bot.workspace.cast import APPROVALS, BOB
from scheduler.expiry import attend_due
from scheduler.lifecycle import attend_due as attend_to_automations
from storage.tables import KeyKind
from tests.browser.pictures import write_small
from tests.integration.wound import WoundClock
from tests.stack import Stack, start_with, stop_stack

SHIPPER, SUPPORT, HOUSEKEEPER, DIGGER = "deployer", "support", "housekeeper", "digger"
HOME = "home"
_POLICY = Path(__file__).parent / "countersign.toml"
_FOLDER = os.environ.get("COUNTERSIGN_SCREENSHOTS")
_CALM = """
  * { animation: none !important; transition: none !important; caret-color: transparent !important; }
  .overlay { background: var(--code) !important; }
  .message, .message:hover, .message:focus-within { background: var(--bg); box-shadow: none !important; }
  .message.ephemeral { background: var(--only); }
  .toolbar { display: none !important; }
  :focus-visible { outline: none !important; }
"""


@dataclass
class Tour:
    """Everything a scene needs. Calls are made over the API; everything people do, they do on the page."""

    stack: Stack
    page: Page
    clock: WoundClock
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.stack.slack.url

    async def ask(self, agent: str, tool: str, why: str = "", **arguments: Any) -> dict[str, Any]:
        """Propose a call as one of the agents; returns the proposal."""
        return await self.ask_with(agent, tool, why, {}, **arguments)

    async def ask_with(self, agent: str, tool: str, why: str, more: dict[str, Any], **arguments: Any) -> dict[str, Any]:
        """Propose a call with more than its arguments, such as a thread."""
        body = {"tool": tool, "arguments": arguments, **({"rationale": why} if why else {}), **more}
        status, proposed = await self.stack.call("POST", "/api/v1/proposals", body, secret=await self.key(agent))
        assert status in (201, 202), proposed
        return dict(proposed)

    async def key(self, agent: str) -> str:
        """Return the key of an agent, the same one every time."""
        if agent not in self.keys:
            self.keys[agent] = (await self.stack.key(KeyKind.AGENT, agent))[1]
        return self.keys[agent]

    async def call(self, agent: str, method: str, path: str, **body: Any) -> dict[str, Any]:
        """Call the API as an agent that succeeds; returns the answer."""
        status, told = await self.stack.call(method, f"/api/v1{path}", body, secret=await self.key(agent))
        assert status in (200, 201), told
        return dict(told)

    async def settled(self, proposed: dict[str, Any], agent: str = SHIPPER) -> str:
        """Wait until a call is neither pending nor allowed; returns its state."""
        path = f"/api/v1/proposals/{proposed['proposal_id']}?wait=60"
        return str((await self.stack.call("GET", path, secret=self.keys[agent]))[1]["state"])

    async def be(self, person: str = BOB, place: str = APPROVALS) -> None:
        """Look at a place as somebody."""
        await self.page.goto(f"{self.url}/#as={person}&in={place}")
        await expect(self.page.locator("#who-button")).to_be_visible()

    async def dm(self, person: str) -> None:
        """Look at what the bot wrote to somebody."""
        workspace = self.stack.slack.workspace
        found = await workspace.until(lambda: workspace.dm(person), timeout=30)
        await self.be(person, found[-1].channel)

    def message(self, *texts: str) -> Locator:
        """The newest message in the channel that shows some texts."""
        found = self.page.locator("#messages article")
        for text in texts:
            found = found.filter(has_text=text)
        return found.last

    async def card(self, *texts: str) -> Locator:
        """The newest card that shows some texts, once it is there; it stays the same one when its words change."""
        found = self.message(*texts)
        await expect(found).to_be_visible(timeout=30_000)
        ts = await found.get_attribute("data-ts")
        return self.page.locator(f'#messages article[data-ts="{ts}"]')

    async def shows(self, message: Locator, text: str) -> Locator:
        """Wait until a message shows a text."""
        await expect(message).to_contain_text(text, timeout=30_000)
        return message

    async def choose(self, message: Locator, entry: str) -> Locator:
        """Choose from the menu of a card; returns the modal that opens."""
        await message.get_by_role("button", name="More actions").click()
        await self.page.get_by_role("menuitem", name=entry).click()
        return await self.modal()

    async def press(self, message: Locator, button: str) -> Locator:
        """Press a button that opens a modal; returns the modal."""
        await message.get_by_role("button", name=button).click()
        return await self.modal()

    async def modal(self, text: str = "") -> Locator:
        """The modal in front, once it shows a text and is looked up."""
        found = self.page.get_by_role("dialog")
        await expect(found).to_be_visible(timeout=30_000)
        await expect(found).not_to_contain_text("One moment")
        await expect(found).to_contain_text(text, timeout=30_000)
        return found

    async def gone(self) -> None:
        """Wait until no modal is open."""
        await expect(self.page.get_by_role("dialog")).to_have_count(0, timeout=30_000)

    async def close(self) -> None:
        """Close the modal in front."""
        await self.page.get_by_role("dialog").locator(".modal-head").get_by_role("button", name="Close").click()
        await self.gone()

    async def command(self, text: str, *expected: str) -> Locator:
        """Type a command; returns the private answer that shows some texts."""
        answers = self.page.locator("#messages article.ephemeral")
        before = await answers.count()
        box = self.page.locator("#composer textarea")
        await box.fill(text)
        await box.press("Enter")
        await expect(answers).to_have_count(before + 1, timeout=30_000)
        for one in expected:
            await expect(answers.last).to_contain_text(one, timeout=30_000)
        return answers.last

    async def later(self, **amount: float) -> None:
        """Let time pass, and let the scheduler see to what is due."""
        self.clock.forward(**amount)
        policies = self.stack.server.office.policy
        await attend_due(self.stack.database)
        await attend_to_automations(self.stack.database, lambda _tenant: policies.current)

    async def keep(self, name: str, *parts: Locator, around: int = 0) -> None:
        """Keep a picture of parts of the page that stand together, where COUNTERSIGN_SCREENSHOTS names a folder.

        `around` is how many pixels of their surroundings are taken in."""
        if not _FOLDER:
            return
        await self.page.mouse.move(0, 0)
        await self.page.evaluate("document.activeElement.blur()")
        await parts[0].scroll_into_view_if_needed()
        boxes = [await part.bounding_box() for part in parts]
        there = [box for box in boxes if box is not None]
        assert len(there) == len(parts), "something to take a picture of is not on the page"
        left, top = min(box["x"] for box in there) - around, min(box["y"] for box in there) - around
        right = max(box["x"] + box["width"] for box in there) + around
        bottom = max(box["y"] + box["height"] for box in there) + around
        clip = {"x": left, "y": top, "width": right - left, "height": bottom - top}
        Path(_FOLDER).mkdir(parents=True, exist_ok=True)
        taken = await self.page.screenshot(clip=clip, style=_CALM)  # type: ignore[arg-type]
        blank = await self.page.context.new_page()
        await write_small(blank, taken, Path(_FOLDER) / f"{name}.png")
        await blank.close()


@asynccontextmanager
async def touring(browser: Browser, url: str, folder: Path) -> AsyncIterator[Tour]:
    """Start everything and a page that is just as wide as a card."""
    clock = WoundClock()
    stack = await start_with(url, folder, lambda target: _POLICY.read_text().replace("{{TARGET}}", target), clock)
    context = await browser.new_context(viewport={"width": 960, "height": 1500}, device_scale_factor=2)
    page = await context.new_page()
    problems: list[object] = []
    page.on("pageerror", lambda error: problems.append(error))
    try:
        yield Tour(stack, page, clock)
        assert problems == []
    finally:
        await context.close()
        await stop_stack(stack)
