"""The guided tour in a real browser: every state of a card, every modal, the Home tab and the commands' answers."""

import asyncio

import pytest
from playwright.async_api import expect

from bot.workspace.cast import ALICE, BOB, CAROL, DANA
from tests.browser.tour import HOUSEKEEPER, SHIPPER, SUPPORT, Tour

pytestmark = pytest.mark.browser

TESTED = "All 412 tests passed, and the canary has run for an hour without an error."
REFUND = {"order": "A-20417", "amount": 49.9, "currency": "EUR", "notify": True}


# -- cards


async def test_from_a_question_to_a_true_card(tour: Tour) -> None:
    await tour.be()
    deploy = {"service": "checkout", "version": "2.4.0", "token": "a secret nobody sees"}
    proposed = await tour.ask(SHIPPER, "deploy.production", TESTED, **deploy)
    card = await tour.card("Deploy to production", "Waiting for approval")
    await expect(card).not_to_contain_text("a secret nobody sees")
    await tour.keep("card-pending", card)
    await card.get_by_role("button", name="Approve").click()
    await tour.shows(card, "Succeeded")
    await tour.keep("card-succeeded", card)
    assert await tour.settled(proposed) == "succeeded"


async def test_two_people_agree(tour: Tour) -> None:
    await tour.be()
    await tour.ask(SHIPPER, "database.migrate", "The new checkout needs the column orders.gift_note.", revision=42)
    card = await tour.card("Migrate the orders database")
    await card.get_by_role("button", name="Approve").click()
    await tour.shows(card, "1 of 2")
    await tour.keep("card-quorum", card)
    await tour.be(CAROL)
    await card.get_by_role("button", name="Approve").click()
    await tour.shows(card, "Succeeded")
    await tour.shows(card, "Carol, with @Bob")


async def test_no_with_a_reason(tour: Tour) -> None:
    await tour.be()
    await tour.ask(SHIPPER, "deploy.production", TESTED, service="payments", version="5.1.0")
    card = await tour.card("Deploy to production")
    modal = await tour.press(card, "Reject")
    await modal.get_by_label("In short").select_option(label="Not now")
    await modal.get_by_label("Why not?").fill("The payments team is away until Monday.")
    await tour.keep("modal-reject", modal)
    await modal.get_by_role("button", name="Reject").click()
    await tour.shows(card, "Rejected")
    await tour.shows(card, "Not now: The payments team is away until Monday.")
    await tour.keep("card-rejected", card)


async def test_put_off(tour: Tour) -> None:
    await tour.be()
    await tour.ask(SHIPPER, "deploy.production", TESTED, service="search", version="1.9.0")
    card = await tour.card("Deploy to production")
    modal = await tour.press(card, "Put off")
    await modal.get_by_label("Why wait?").fill("After the sale; nobody is here to watch it tonight.")
    await tour.keep("modal-defer", modal)
    await modal.get_by_role("button", name="Put off").click()
    await tour.shows(card, "After the sale")
    await tour.keep("card-deferred", card)


async def test_edited(tour: Tour) -> None:
    await tour.be()
    await tour.ask(SUPPORT, "payments.refund", "The parcel came back; the customer wrote twice.", **REFUND)
    card = await tour.card("Refund a customer")
    modal = await tour.choose(card, "Edit")
    await modal.get_by_label("Amount").fill("4990")
    await modal.get_by_role("button", name="Save").click()
    await expect(modal.locator(".error:visible").first).to_be_visible(timeout=30_000)
    await tour.keep("modal-edit", modal)
    await modal.get_by_label("Amount").fill("39.90")
    await modal.get_by_label("Why the change?").fill("Shipping is not paid back.")
    await modal.get_by_role("button", name="Save").click()
    await tour.shows(card, "What the edit changed")
    await tour.keep("card-edited", card)


async def test_suggested_and_told(tour: Tour) -> None:
    await tour.be()
    mail = {"to": "jo@example.com", "subject": "Your order A-20417", "text": "Your refund is on its way."}
    await tour.ask(SUPPORT, "mail.send", "The refund went out this morning.", **mail)
    await tour.keep("card-suggested", await tour.card("Write to a customer", "Suggested"))
    await tour.ask(SHIPPER, "cache.purge", "checkout still serves yesterday's prices", service="checkout")
    await tour.dm(ALICE)
    await tour.keep("message-l2", await tour.card("Purge the cache"))


async def test_handed_on(tour: Tour) -> None:
    await tour.be()
    await tour.ask(SHIPPER, "deploy.production", TESTED, service="checkout", version="2.4.0")
    card = await tour.card("Deploy to production")
    modal = await tour.choose(card, "Delegate")
    await modal.get_by_label("To whom?").select_option(label="Dana")
    await modal.get_by_label("Anything they should know?").fill("You know the checkout better than I do.")
    await tour.keep("modal-delegate", modal)
    await modal.get_by_role("button", name="Delegate").click()
    await tour.shows(card, "Dana for @Bob")
    await tour.keep("card-delegated", card)
    await tour.dm(DANA)
    await tour.keep("message-delegated", await tour.card("asks you to answer"))


async def test_silence(tour: Tour) -> None:
    await tour.be()
    proposed = await tour.ask(SHIPPER, "deploy.production", TESTED, service="search", version="1.9.0")
    card = await tour.card("Deploy to production")
    await tour.later(hours=5)
    await tour.shows(card, "Escalated")
    await tour.keep("card-escalated", card)
    await card.locator(".replies").click()
    thread = tour.page.locator("#thread-messages article")
    for hours, line in ((0, "Nobody has answered so far"), (7.5, "Half of the time"), (9.5, "Last call")):
        await tour.later(hours=hours)
        await expect(thread.filter(has_text=line)).to_be_visible(timeout=30_000)
    await tour.keep("thread-warnings", *[thread.nth(place) for place in range(1, await thread.count())])
    await tour.dm(CAROL)
    await tour.keep("message-last-call", await tour.card("Last call"))
    await tour.be()
    await tour.later(hours=3)
    await tour.shows(card, "Expired")
    await tour.keep("card-expired", card)
    assert await tour.settled(proposed) == "expired"


async def test_taken_back(tour: Tour) -> None:
    await tour.be(ALICE)
    await tour.ask_with(SHIPPER, "deploy.production", TESTED, {"on_behalf_of": ALICE},
                        service="checkout", version="2.4.0")  # fmt: skip
    card = await tour.card("Deploy to production")
    modal = await tour.choose(card, "Withdraw")
    await modal.get_by_label("Why?").fill("2.4.1 is out; it will ask again.")
    await tour.keep("modal-withdraw", modal)
    await modal.get_by_role("button", name="Withdraw").click()
    await tour.shows(card, "Withdrawn")
    await tour.keep("card-withdrawn", card)


async def test_what_goes_wrong(tour: Tour) -> None:
    await tour.be()
    tour.stack.service.script = [422]
    await tour.ask(SUPPORT, "payments.refund", "The parcel came back.", **REFUND)
    card = await tour.card("Refund a customer")
    await card.get_by_role("button", name="Approve").click()
    await tour.shows(card, "Failed")
    await tour.keep("card-failed", card)
    tour.stack.service.script = ["drop"]
    await tour.ask(SUPPORT, "payments.refund", "The parcel came back.", **{**REFUND, "order": "A-20533"})
    card = await tour.card("A-20533")
    await card.get_by_role("button", name="Approve").click()
    await tour.shows(card, "Outcome unknown")
    await tour.keep("card-unknown", card)
    modal = await tour.press(card, "It did happen")
    await modal.get_by_label("How do you know?").fill("It is in the bank's statement of this morning.")
    await tour.keep("modal-reconcile", modal)
    await modal.get_by_role("button", name="It happened").click()
    await tour.shows(card, "Succeeded")


async def test_what_no_longer_holds(tour: Tour) -> None:
    await tour.be()
    release = asyncio.Event()
    tour.stack.service.script = [lambda: asyncio.wait_for(release.wait(), 60)]
    for service, version in (("checkout", "2.4.0"), ("search", "1.9.0")):
        await tour.ask(SHIPPER, "deploy.production", TESTED, service=service, version=version)
        card = await tour.card("Deploy to production", service)
        await card.get_by_role("button", name="Approve").click()
        await tour.shows(card, "Running" if service == "checkout" else "Queued")
    await tour.be(DANA)
    await tour.command("/approvals pause deployer because the canary reports errors", "paused")
    release.set()
    await tour.be()
    card = await tour.card("Not run")
    await tour.keep("card-invalidated", card)


# -- modals


async def test_a_destructive_call_asks_once_more(tour: Tour) -> None:
    await tour.be()
    await tour.ask(HOUSEKEEPER, "backups.delete", "The disk is 94 % full.", database="orders", before="2026-06-01")
    card = await tour.card("Delete old backups")
    await card.get_by_role("button", name="Approve").click()
    asked = tour.page.get_by_role("alertdialog")
    await expect(asked).to_contain_text("runs at once")
    await tour.keep("modal-destructive", asked)
    await asked.get_by_role("button", name="Look again").click()
    await expect(card).to_contain_text("Waiting for approval")


async def test_remembering(tour: Tour) -> None:
    await tour.be()
    for ticket in (4711, 4713):
        await tour.ask(SUPPORT, "tickets.label", ticket=ticket, label="refund")
        card = await tour.card(str(ticket))
        if ticket == 4711:
            await card.get_by_role("button", name="Approve").click()
            await tour.shows(card, "Succeeded")
    await tour.choose(card, "remember")
    modal = await tour.modal("last 30 days")
    await expect(modal).not_to_contain_text("Looking at")
    await tour.keep("modal-remember", modal)


async def test_details(tour: Tour) -> None:
    await tour.be()
    notes = "\n".join(f"- #{number}: a fix for the checkout, with its tests and a line for the customers"
                      for number in range(1200, 1900))  # fmt: skip
    body = {"to": "all@example.com", "subject": "What is new", "text": notes}
    await tour.ask(SUPPORT, "mail.send", "The release is out.", **body)
    card = await tour.card("Write to a customer")
    modal = await tour.press(card, "Everything about")
    await tour.keep("modal-details", modal)
    await modal.get_by_role("button", name="complete arguments").click()
    await expect(modal).to_contain_text("direct messages", timeout=30_000)
    await tour.close()
    await tour.dm(BOB)
    await tour.keep("message-file", await tour.card("json"))
    await tour.be()
    await tour.ask(SHIPPER, "deploy.production", TESTED, service="search", version="1.9.0")
    card = await tour.card("Deploy to production")
    modal = await tour.press(card, "Everything about")
    await expect(modal).to_contain_text("What happened")
    await modal.locator(".modal-body").evaluate("(body) => (body.scrollTop = body.scrollHeight)")
    await tour.keep("modal-details-trail", modal)
