"""The guided tour, continued: the Home tab, direct messages, commands, threads, and the workspace itself."""

import asyncio

import pytest
from playwright.async_api import expect

from bot.workspace.cast import ALICE, BOB, CAROL, DEPLOYS
from scheduler.upkeep import owe_digests
from tests.browser.test_tour import REFUND, TESTED
from tests.browser.tour import HOME, SHIPPER, SUPPORT, Tour

pytestmark = pytest.mark.browser


# -- Home


async def test_the_home_tab(tour: Tour) -> None:
    await tour.be()
    await tour.ask(SHIPPER, "docs.publish", version="2.3.9")
    await tour.ask(SHIPPER, "docs.publish", version="2.4.0")
    await tour.ask(SHIPPER, "deploy.production", TESTED, service="checkout", version="2.4.0")
    await tour.ask(SUPPORT, "payments.refund", "The parcel came back.", **REFUND)
    await tour.ask(SUPPORT, "tickets.label", ticket=4711, label="refund")
    card = await tour.card("Label a ticket")
    await tour.choose(card, "remember")
    modal = await tour.modal("last 30 days")
    await modal.get_by_label("For how long?").select_option(label="For good")
    await modal.get_by_role("button", name="Approve").click()
    await tour.shows(card, "Succeeded")
    await tour.be(BOB, HOME)
    home = tour.page.locator("#messages")
    await expect(home).to_contain_text("tickets.label", timeout=30_000)
    blocks = home.locator(":scope > *")
    await tour.keep("home", blocks.first, blocks.last, around=16)
    await home.get_by_role("button", name="Change when I hear").click()
    modal = await tour.modal()
    await modal.get_by_label("Daily digest").select_option(label="08:00")
    await modal.get_by_label("Quiet from").fill("19:00")
    await modal.get_by_label("Quiet until").fill("07:30")
    await tour.keep("modal-settings", modal)
    await modal.get_by_role("button", name="Save").click()
    await expect(home).to_contain_text("19:00 to 07:30", timeout=30_000)
    await tour.be(ALICE, HOME)
    await expect(home).to_contain_text("2 of 20 unasked this hour", timeout=30_000)
    await tour.page.evaluate("document.documentElement.dataset.theme = 'dark'")
    await tour.keep("home-dark", blocks.first, blocks.last, around=16)
    await tour.page.evaluate("document.documentElement.dataset.theme = 'light'")
    await home.get_by_role("button", name="Pause with a reason: Shipper").click()
    modal = await tour.modal()
    await modal.get_by_label("Why?").fill("It deploys faster than we can look.")
    await tour.keep("modal-pause", modal)
    await modal.get_by_role("button", name="Pause").click()
    await expect(home).to_contain_text("Paused", timeout=30_000)


async def test_what_agents_did_unasked_and_what_the_day_was(tour: Tour) -> None:
    for _ in range(2):
        for service in ("checkout", "search", "payments"):
            await tour.settled(await tour.ask(SHIPPER, "cache.purge", service=service))
    tour.clock.forward(seconds=11)
    await tour.dm(ALICE)
    await tour.keep("message-folded", await tour.card("more"))
    await tour.ask(SHIPPER, "deploy.production", TESTED, service="checkout", version="2.4.0")
    await tour.be(ALICE, HOME)
    home = tour.page.locator("#messages")
    await home.get_by_role("button", name="Change when I hear").click()
    modal = await tour.modal()
    hour = (tour.clock().hour + 1) % 24
    await modal.get_by_label("Daily digest").select_option(label=f"{hour:02}:00")
    await modal.get_by_role("button", name="Save").click()
    await tour.gone()
    tour.clock.forward(hours=1)
    await owe_digests(tour.stack.database)
    await tour.dm(ALICE)
    await tour.keep("message-digest", await tour.card("Your day"))


async def test_who_is_away_is_stood_in_for(tour: Tour) -> None:
    await tour.be(BOB, HOME)
    home = tour.page.locator("#messages")
    await home.get_by_role("button", name="out of office").click()
    modal = await tour.modal()
    await modal.get_by_label("Who answers meanwhile?").select_option(label="Dana")
    await tour.keep("modal-out-of-office", modal)
    await modal.get_by_role("button", name="Save").click()
    await expect(home).to_contain_text("answers for you", timeout=30_000)
    await tour.be()
    await tour.ask(SHIPPER, "deploy.production", TESTED, service="search", version="1.9.0")
    card = await tour.card("Deploy to production")
    await tour.shows(card, "Dana for @Bob")
    await tour.keep("card-covered", card)


async def test_nobody_is_there(tour: Tour) -> None:
    for person in (BOB, CAROL):
        await tour.be(person)
        await tour.page.get_by_role("button", name="Set a status").click()
        dialog = tour.page.get_by_role("dialog")
        await dialog.get_by_role("button", name="On holiday").click()
        await dialog.get_by_role("button", name="Save").click()
        await expect(tour.page.locator("#status-button")).to_contain_text("On holiday")
    await tour.ask(SHIPPER, "deploy.production", TESTED, service="search", version="1.9.0")
    await tour.dm(ALICE)
    await tour.keep("message-alarm", await tour.card("Nobody who may decide is there"))


# -- commands


async def test_what_the_command_answers(tour: Tour) -> None:
    await tour.be()
    await tour.ask(SHIPPER, "deploy.production", TESTED, service="checkout", version="2.4.0")
    await tour.ask(SHIPPER, "database.migrate", revision=42)
    refund = await tour.ask(SUPPORT, "payments.refund", "The parcel came back.", **REFUND)
    for ticket in (4711, 4713, 4720):
        await tour.ask(SUPPORT, "tickets.label", ticket=ticket, label="refund")
    await tour.card("4720")
    await tour.keep("command-mine", await tour.command("/approvals mine", "wait for you"))
    await tour.keep("command-pending", await tour.command("/approvals pending", "you may answer"))
    await tour.keep("command-show", await tour.command(f"/approvals show {refund['approval']['id']}", "Refund"))
    await tour.keep("command-search", await tour.command("/approvals search refund", "refund"))
    await tour.keep("command-who", await tour.command("/approvals who deploy.production", "asks 1"))
    await tour.keep("command-unknown", await tour.command("/approvals pendign", "pending"))
    await tour.keep("command-help", await tour.command("/approvals help", "batch"))
    answer = tour.page.locator("#composer textarea")
    await answer.fill("/approvals batch")
    await answer.press("Enter")
    modal = await tour.modal("Untick")
    await tour.keep("modal-batch", modal)
    await modal.get_by_role("button", name="Approve").click()
    modal = await tour.modal("approved")
    await expect(modal).not_to_contain_text("Untick")
    await tour.keep("modal-batch-result", modal)


# -- threads, and the workspace itself


async def test_a_thread_tells_the_story_and_takes_an_answer(tour: Tour) -> None:
    hears = {"message.channels", "message.groups"}
    tour.stack.slack.workspace.app.events |= hears
    await tour.be(BOB, DEPLOYS)
    said = await tour.stack.slack.say(ALICE, DEPLOYS, "Support desk, please label the open refunds.")
    thread = {"thread": {"channel": DEPLOYS, "thread_ts": said.ts}, "on_behalf_of": ALICE}
    await tour.ask_with(SUPPORT, "tickets.label", "The customer sent the parcel back.", thread,
                        ticket=4711, label="refund")  # fmt: skip
    await tour.message("please label").locator(".replies").click()
    replies = tour.page.locator("#thread-messages article")
    await expect(replies.filter(has_text="Waiting for approval")).to_be_visible(timeout=30_000)
    release = asyncio.Event()
    tour.stack.service.script = [lambda: asyncio.wait_for(release.wait(), 60)]
    await tour.page.wait_for_timeout(3200)  # a reply answers what the card had shown for three seconds
    box = tour.page.locator("#thread-composer textarea")
    await box.fill("approve")
    await box.press("Enter")
    await expect(replies.filter(has_text="Approved by").last).to_be_visible(timeout=30_000)
    release.set()
    await expect(replies.filter(has_text="Done in")).to_be_visible(timeout=30_000)
    await tour.keep("thread", *[replies.nth(place) for place in range(await replies.count())])


async def test_the_workspace_misbehaves_on_request(tour: Tour) -> None:
    await tour.be()
    await tour.page.get_by_role("button", name="Misbehave").click()
    panel = tour.page.get_by_role("complementary", name="Misbehave")
    await panel.get_by_role("button", name="Plan").click()
    await expect(panel).to_contain_text("ratelimited")
    await tour.keep("workspace-misbehave", panel.locator(".heading"), panel.locator(".trouble-part").last)
    await panel.get_by_role("button", name="Behave again").click()
