"""The demo in a real browser: be a reviewer, press Approve, see the service and the card change."""

import pytest
from playwright.async_api import Page, expect

from bot.demo import Demo
from tests.browser.conftest import picture

pytestmark = pytest.mark.browser


async def test_approving_as_bob_changes_the_service_and_the_card(page: Page, demo: Demo) -> None:
    panel = page.frame_locator("iframe")
    await expect(panel.locator("#versions")).to_contain_text("2.3.0")
    card = page.locator("article", has_text="Deploy to production").last
    await expect(card).to_contain_text("Waiting for approval")
    await expect(card).to_contain_text("Replaces checkout in production with version 2.4.0")

    await card.get_by_role("button", name="Approve").click()

    await expect(panel.locator("#versions")).to_contain_text("2.4.0")
    await expect(card).to_contain_text("Succeeded")
    await expect(card.get_by_role("button", name="Approve")).to_have_count(0)
    await picture(page, "approval")
    assert demo.releases.state.versions["checkout"] == "2.4.0"


async def test_an_outsider_is_told_privately_and_nothing_changes(page: Page, demo: Demo) -> None:
    await page.goto(demo.page.replace("U0BOB", "U0MALLORY").replace("C0APPROVALS", "C0DEPLOYS"))
    await page.reload()
    reply = page.get_by_text("1 reply").or_(page.get_by_text("replies")).first
    await reply.click()
    await page.get_by_role("button", name="Approve").last.click()
    await expect(page.get_by_text("You may not answer this request").first).to_be_visible()
    assert demo.releases.state.versions["checkout"] == "2.3.0"


async def test_rejecting_asks_for_a_reason_and_shows_it(page: Page, demo: Demo) -> None:
    card = page.locator("article", has_text="Deploy to production").last
    await card.get_by_role("button", name="Reject").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("textbox").fill("not on a Friday")
    await dialog.get_by_role("button", name="Reject").click()
    await expect(card).to_contain_text("Rejected")
    await expect(card).to_contain_text("not on a Friday")
    assert demo.releases.state.versions["checkout"] == "2.3.0"
