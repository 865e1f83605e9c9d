"""The guided tour of recurring work: an agent that is stopped at its cap, an automation that nears its end."""

from datetime import timedelta

import pytest
from playwright.async_api import expect

from bot.api.bodies import moment
from bot.workspace.cast import CAROL, DANA
from tests.browser.tour import DIGGER, HOME, Tour

pytestmark = pytest.mark.browser


async def registered(tour: Tour, **automation: str) -> str:
    """The agent registers an automation; returns its id."""
    return str((await tour.call(DIGGER, "POST", "/automations", **automation))["automation"]["id"])


async def ran(tour: Tour, automation: str, cost: str, *, ends: bool = True) -> None:
    """The agent runs it once and says what that cost."""
    run = (await tour.call(DIGGER, "POST", f"/automations/{automation}/runs"))["run"]["id"]
    await tour.call(DIGGER, "PATCH", f"/runs/{run}", status="running")
    report = {"report_id": f"{run}-cost", "run_id": run, "cost_usd": cost, "total_tokens": 1_200_000}
    await tour.call(DIGGER, "POST", f"/agents/{DIGGER}/spend/reports", **report)
    if ends:
        await tour.call(DIGGER, "PATCH", f"/runs/{run}", status="completed", outputs={"report": cost})


async def test_an_agent_runs_into_its_cap_and_is_let_go_on(tour: Tour) -> None:
    await tour.be(DANA)
    digging = await registered(tour, name="Dig through last night's logs", schedule="every night")
    await ran(tour, digging, "7.50")
    await ran(tour, digging, "7.50")
    await ran(tour, digging, "7.50", ends=False)
    card = await tour.card("Let digger spend on", "Waiting for approval")
    await tour.keep("card-override", card)
    await tour.keep("command-spend", await tour.command("/spend", "1 stopped"))
    await tour.keep(
        "command-automation-paused", await tour.command(f"/automations show {digging}", "newest first: paused")
    )
    await card.get_by_role("button", name="Approve").click()
    await tour.shows(card, "Approved")
    await tour.keep("card-override-approved", card)
    await tour.dm(CAROL)
    await tour.keep("message-stopped", await tour.card("22.50"))
    await tour.be(DANA)
    shown = await tour.command(f"/automations show {digging}", "newest first: queued")
    await tour.keep("command-automation-resumed", shown)


async def test_an_automation_nears_its_end_and_is_kept(tour: Tour) -> None:
    ends = tour.clock() + timedelta(days=2)
    await registered(tour, name="Compare prices", schedule="every hour", expires_at=moment(ends) or "")
    await tour.be(CAROL)
    await tour.later(hours=26)
    card = await tour.card("Retire Compare prices")
    await tour.keep("card-retirement", card)
    await card.get_by_role("button", name="Yes, retire").click()
    asked = tour.page.get_by_role("alertdialog")
    await expect(asked).to_contain_text("starts nothing any more until somebody extends it")
    await tour.keep("modal-retire-confirm", asked)
    await asked.get_by_role("button", name="Look again").click()
    await tour.be(CAROL, HOME)
    home = tour.page.locator("#messages")
    await expect(home).to_contain_text("Its question stands above", timeout=30_000)
    blocks = home.locator(":scope > *")
    await tour.keep("home-automations", blocks.first, blocks.last, around=16)
    await tour.be(CAROL)
    modal = await tour.press(card, "keep and extend")
    await tour.keep("modal-keep", modal)
    await modal.get_by_role("button", name="Keep").click()
    await tour.shows(card, "Kept and extended")
    await tour.keep("card-kept", card)
