"""The workspace's page in a real browser: what people see of files, reactions, statuses, and what they can do."""

import os
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import WorkspaceServer, demo_workspace
from bot.workspace.cast import ALICE, APPROVALS, BOB, DEPLOYS, ONCALL
from tests.unit.workspace.app import allow, listening

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("COUNTERSIGN_LOOK")
"""A folder for pictures of every scene, to look at; nothing is kept without it."""


def plain(text):
    return {"type": "plain_text", "text": text}


def mrkdwn(text):
    return {"type": "mrkdwn", "text": text}


def button(text, action_id, **more):
    return {"type": "button", "text": plain(text), "action_id": action_id, **more}


def cell(text):
    return {"type": "raw_text", "text": text}


def release(name, words):
    return {"type": "card", "title": plain(name), "subtitle": plain("checkout"), "body": mrkdwn(words),
            "actions": [button("Roll back", f"back-{name}")]}  # fmt: skip


CARD = [
    {"type": "header", "text": plain("Deploy to production")},
    {"type": "section", "text": mrkdwn("*Shipper* wants to replace `checkout` in production with *2.4.0*.")},
    {"type": "table", "column_settings": [{"align": "left"}, {"align": "right"}, {"align": "right"}],
     "rows": [[cell("Service"), cell("Now"), cell("Then")], [cell("checkout"), cell("2.3.0"), cell("2.4.0")],
              [cell("payments"), cell("1.1.9"), cell("1.2.0")]]},
    {"type": "context", "elements": [mrkdwn("Asked by <@U0ALICE> · two people must approve")]},
    {"type": "actions", "elements": [
        button("Approve", "approve", style="primary"), button("Reject", "reject", style="danger")]},
    {"type": "context_actions", "elements": [
        {"type": "feedback_buttons", "action_id": "feedback",
         "positive_button": {"text": plain("Helpful"), "value": "yes"},
         "negative_button": {"text": plain("Not helpful"), "value": "no"}},
        {"type": "icon_button", "icon": "trash", "text": plain("Remove"), "action_id": "remove"}]},
]  # fmt: skip
CAROUSEL = [
    {"type": "markdown", "text": "### Releases\nThe **last three**, newest first:\n\n- `2.4.0` today\n- `2.3.0`"},
    {"type": "carousel", "elements": [release(name, f"Version {name} of the shop") for name in ("2.4", "2.3", "2.2")]},
]  # fmt: skip
MODAL = {
    "type": "modal", "title": plain("Reject"), "submit": plain("Reject"),
    "blocks": [
        {"type": "alert", "level": "warning", "text": mrkdwn("The agent *stops* when you reject this.")},
        {"type": "input", "block_id": "reason", "label": plain("Why?"),
         "element": {"type": "plain_text_input", "action_id": "text", "multiline": True}},
    ],
}  # fmt: skip


@pytest.fixture
async def server():
    workspace = demo_workspace()
    allow(workspace, "files:write reactions:read", "reaction_added")
    second = demo_workspace(bot_token="xoxb-second", app_token="xapp-second")
    second.team_id, second.name = "T0SECOND", "Globex"
    async with listening(workspace) as app, WorkspaceServer(workspace) as server:
        server.add(second)
        server.app = app
        yield server


@pytest.fixture
def client(server):
    return AsyncWebClient(token="xoxb-demo", base_url=server.api_url)


@pytest.fixture
async def scene(server, client):
    """A card with a thread, a file, reactions and a private word."""
    happen, workspace = server.seat.happenings, server.workspace
    await happen.status_set(ALICE, "holiday")
    await server.say(ALICE, APPROVALS, "Shipper, please bring the new checkout to production.")
    posted = await client.chat_postMessage(channel=APPROVALS, text="Deploy", blocks=CARD)
    card = workspace.find(APPROVALS, posted["ts"])
    await happen.reacted(ALICE, card, "eyes")
    diff = {"filename": "change.diff", "content": "- 2.3.0\n+ 2.4.0"}
    await client.files_upload_v2(channel=APPROVALS, thread_ts=card.ts, **diff)
    await client.files_upload_v2(channel=APPROVALS, filename="report.csv", content="a,b\n" * 500, title="Load test")
    await client.chat_postMessage(channel=APPROVALS, text="Releases", blocks=CAROUSEL)
    await client.chat_postEphemeral(channel=APPROVALS, user=BOB, text="You already approved this once.")
    await client.views_publish(user_id=BOB, view={"type": "home", "blocks": CARD[:2]})
    return card


@pytest.fixture
async def page(browser, server, scene):
    opened = await browser.new_page(viewport={"width": 1280, "height": 900}, device_scale_factor=1)
    problems = []
    opened.on("pageerror", lambda error: problems.append(error))
    await opened.goto(f"{server.url}/#as={BOB}&in={APPROVALS}")
    await expect(opened.locator("article").first).to_be_visible()
    yield opened
    await opened.close()
    assert problems == []


async def look(page: Page, name: str):
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=Path(PICTURES) / f"{name}.png")


async def test_a_channel_in_light_and_dark(page, server):
    await expect(page.get_by_role("link", name="Open report.csv")).to_contain_text("CSV · 2.0 KB")
    await expect(page.get_by_text("Only visible to you")).to_be_visible()
    await expect(page.locator("table th")).to_have_count(3)
    await expect(page.get_by_label("something new")).to_be_visible()
    await look(page, "channel-light")
    colours = []
    for _ in ("light", "dark"):
        await page.get_by_role("button", name="Colours").click()
        colours.append(await page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert colours == ["rgb(255, 255, 255)", "rgb(26, 29, 33)"]
    await page.locator("article", has_text="Deploy to production").scroll_into_view_if_needed()
    await look(page, "channel-dark")
    await page.reload()
    assert await page.evaluate("document.documentElement.dataset.theme") == "dark"


async def test_a_file_opens(page):
    async with page.context.expect_page() as opening:
        await page.get_by_role("link", name="Open report.csv").click()
    opened = await opening.value
    await expect(opened.locator("body")).to_contain_text("a,b")


async def test_reacting_twice_takes_it_back(page, server, scene):
    card = page.locator("article", has_text="Deploy to production")
    await card.hover()
    await card.get_by_role("button", name="React with white_check_mark").click()
    mine = card.get_by_role("button", name="white_check_mark, 1 reaction")
    await expect(mine).to_have_attribute("aria-pressed", "true")
    await server.workspace.until(lambda: len(server.app.events) == 2)
    assert server.app.events[-1]["reaction"] == "white_check_mark"
    await mine.click()
    await expect(mine).to_have_count(0)
    assert scene.reactions == {"eyes": [ALICE]}


async def test_a_thread_is_answered_edited_and_deleted(page, server, scene):
    await page.locator("article", has_text="Deploy to production").get_by_role("button", name="1 reply").click()
    thread = page.get_by_label("Thread", exact=True)
    await thread.get_by_role("textbox").fill("Looks good")
    await page.keyboard.press("Enter")
    mine = thread.locator("article", has_text="Looks good")
    await expect(mine).to_be_visible()
    await look(page, "thread")
    await mine.hover()
    await mine.get_by_role("button", name="More message actions").click()
    await page.get_by_role("menuitem", name="Edit message").click()
    await page.get_by_role("dialog").get_by_role("textbox").fill("Looks bad")
    await page.get_by_role("button", name="Save").click()
    await expect(thread.locator("article", has_text="Looks bad (edited)")).to_be_visible()
    assert server.workspace.thread(APPROVALS, scene.ts)[-1].text == "Looks bad"


async def test_statuses_and_groups(page, server):
    await page.get_by_role("button", name="Set a status").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="On holiday").click()
    await dialog.get_by_label("Time zone").select_option("Asia/Tokyo")
    await look(page, "status")
    await dialog.get_by_role("button", name="Save").click()
    await expect(page.locator("#status-button")).to_contain_text("On holiday")
    bob = server.workspace.users[BOB]
    assert (bob.status_emoji, bob.tz_offset) == (":palm_tree:", 32400)
    await page.get_by_role("button", name="oncall").click()
    await page.get_by_role("dialog").get_by_label("Alice").check()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("button", name="oncall")).to_contain_text("3")
    assert ALICE in server.workspace.groups[ONCALL].users


async def test_channels_are_created_archived_and_left_by_the_bot(page, server):
    await page.get_by_role("button", name="Create a channel").click()
    await page.get_by_role("dialog").get_by_label("Name").fill("Release Room")
    await page.get_by_role("button", name="Create", exact=True).click()
    await page.get_by_role("link", name="release-room").click()
    for act, sign in (("Remove Countersign", "WITHOUT COUNTERSIGN"), ("Share with", "SHARED OUTSIDE")):
        await page.get_by_role("button", name="Manage #release-room").click()
        await page.get_by_role("menuitem", name=act).click()
        await expect(page.locator("#heading")).to_contain_text(sign)
    await page.get_by_role("button", name="Manage #release-room").click()
    await page.get_by_role("menuitem", name="Archive").click()
    await expect(page.get_by_text("This channel is archived.")).to_be_visible()
    await look(page, "archived")


async def test_the_app_is_uninstalled_and_installed_again(page, server):
    for act in ("Uninstall", "Install Countersign again"):
        await page.get_by_role("button", name="Manage Countersign").click()
        await page.get_by_role("menuitem", name=act).click()
        if act == "Uninstall":
            await page.get_by_role("alertdialog").get_by_role("button", name="Uninstall").click()
            await expect(page.get_by_text("Countersign is not installed: account_inactive")).to_be_visible()
    await expect(page.get_by_text("Countersign is not installed")).to_have_count(0)
    assert [event["type"] for event in server.app.events[-2:]] == ["tokens_revoked", "app_uninstalled"]
    assert server.workspace.app.revoked is None


async def test_the_misbehave_panel_switches_everything(page, server):
    faults = server.workspace.faults
    await page.get_by_role("button", name="Misbehave").click()
    panel = page.get_by_role("complementary", name="Misbehave")
    await panel.get_by_label("How many calls", exact=True).fill("3")
    await panel.get_by_role("button", name="Plan").click()
    await expect(panel.get_by_text("anything people see: 3 × ratelimited")).to_be_visible()
    await panel.get_by_role("button", name="table").click()
    await panel.get_by_label("Open, but silent").check()
    await panel.get_by_label("Seconds added to everything").select_option("2")
    await panel.get_by_label("How many clicks are sent twice").select_option("1")
    await expect(panel.get_by_role("button", name="Behave again (7)")).to_be_visible()
    assert (faults.unknown_blocks, faults.silent_sockets) == ({"table"}, True)
    assert (faults.slow_network, faults.double_clicks) == (2, 1)
    await look(page, "misbehave")
    await page.evaluate("document.documentElement.dataset.theme = 'dark'")
    await panel.locator(".trouble-body").evaluate("(body) => (body.scrollTop = 0)")
    await look(page, "misbehave-dark")
    await panel.get_by_role("button", name="Behave again").click()
    await expect(panel.get_by_role("button", name="Behaving")).to_be_disabled()
    assert faults.planned() == {}
    await page.keyboard.press("Escape")
    await expect(panel).to_be_hidden()


async def test_a_double_click_on_the_page(page, server):
    server.workspace.faults.double_clicks = 1
    await page.locator("article", has_text="Deploy to production").get_by_role("button", name="Approve").click()
    await server.workspace.until(lambda: len(server.workspace.acks) == 2)
    assert [click.what for click in server.workspace.clicks] == ["Approve", "Approve"]


async def test_modals_close_with_escape_and_home_is_read(page, server, client):
    await page.locator("article", has_text="Deploy to production").get_by_role("button", name="Reject").click()
    await server.workspace.until(lambda: server.workspace.acks)
    await client.views_open(trigger_id=server.app.payloads[-1]["trigger_id"], view=MODAL)
    await expect(page.get_by_role("dialog")).to_contain_text("The agent stops")
    await expect(page.get_by_role("dialog").get_by_role("textbox")).to_be_focused()
    await look(page, "modal")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.get_by_role("link", name="Countersign Home").click()
    await expect(page.get_by_role("heading", name="Deploy to production")).to_be_visible()
    await expect(page.get_by_label("something new")).to_have_count(0)
    await look(page, "home")


async def test_arrow_keys_move_through_the_messages(page):
    await page.locator("#messages").focus()
    await page.keyboard.press("ArrowUp")
    last = await page.evaluate("document.activeElement.textContent")
    await page.keyboard.press("ArrowUp")
    assert "You already approved" in last
    assert "Releases" in await page.evaluate("document.activeElement.textContent")


async def test_two_workspaces(page, server):
    other = AsyncWebClient(token="xoxb-second", base_url=server.api_url)
    await other.chat_postMessage(channel=DEPLOYS, text="Only at Globex")
    await page.get_by_role("link", name="Globex").click()
    await expect(page.locator(".team-name")).to_have_text("Globex")
    await page.get_by_role("link", name="deploys").click()
    await expect(page.get_by_text("Only at Globex")).to_be_visible()
    await page.locator("#composer textarea").fill("Hello there")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Hello there")).to_be_visible()
    assert [m.text for m in server.seats[1].workspace.messages_in(DEPLOYS)] == ["Only at Globex", "Hello there"]
    assert server.workspace.messages_in(DEPLOYS) == []
    await look(page, "two-workspaces")


async def test_a_telephone(page):
    await page.set_viewport_size({"width": 390, "height": 844})
    await look(page, "phone")
    wide = "document.documentElement.scrollWidth > innerWidth"
    assert not await page.evaluate(wide)
    await expect(page.locator("#places")).not_to_be_in_viewport()
    await page.get_by_role("button", name="Channels and people").click()
    await expect(page.get_by_role("link", name="deploys")).to_be_in_viewport()
    await page.locator("#sidebar").evaluate("(node) => Promise.all(node.getAnimations().map((one) => one.finished))")
    await look(page, "phone-channels")
    await page.get_by_role("link", name="deploys").click()
    await expect(page.locator("#places")).not_to_be_in_viewport()
    await page.go_back()
    await page.get_by_role("button", name="1 reply").click()
    box = await page.get_by_label("Thread", exact=True).bounding_box()
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 390, 844), "the thread covers the channel"
    await look(page, "phone-thread")
    await page.keyboard.press("Escape")
    assert not await page.evaluate(wide)


async def test_everything_is_reached_by_keyboard_in_reading_order(page):
    name = "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"
    seen = []
    for _ in range(14):
        await page.keyboard.press("Tab")
        seen.append((await page.evaluate(name)).strip())
        assert await page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", seen[-1]
    beginnings = ["Skip to messages", "Acme", "Globex", "Colours", "Misbehave", "BYou are: Bob", "Set a status"]
    beginnings += ["Create a channel", "#approvals", "#deploys", "Countersign", "@oncall", "Manage Countersign"]
    beginnings += ["Countersign Home"]
    assert [text.startswith(start) for text, start in zip(seen, beginnings, strict=True)] == [True] * 14, seen
