"""The HTTP variant of the app manifest: the same app, with addresses where the socket was."""

import pytest
import yaml
from click.testing import CliRunner

from bot.cli import cli
from bot.manifest import http_variant, listening_variant
from tests.test_architecture import ROOT

SHIPPED = (ROOT / "manifest.yml").read_text()


@pytest.mark.parametrize("url", ["https://approvals.example", "https://approvals.example/"])
def test_every_door_leads_to_the_one_address(url):
    manifest, endpoint = yaml.safe_load(http_variant(SHIPPED, url)), "https://approvals.example/slack/events"
    settings = manifest["settings"]
    assert settings["socket_mode_enabled"] is False
    assert settings["interactivity"] == {"is_enabled": True, "request_url": endpoint}
    assert settings["event_subscriptions"]["request_url"] == endpoint
    assert {command["url"] for command in manifest["features"]["slash_commands"]} == {endpoint}


def test_nothing_else_differs():
    shipped, variant = yaml.safe_load(SHIPPED), yaml.safe_load(http_variant(SHIPPED, "https://a.example"))
    for settings in (shipped["settings"], variant["settings"]):
        settings.pop("socket_mode_enabled")
        settings["interactivity"].pop("request_url", None)
        settings["event_subscriptions"].pop("request_url", None)
    for command in variant["features"]["slash_commands"]:
        command.pop("url")
    assert variant == shipped


@pytest.mark.parametrize("url", ["http://approvals.example", "approvals.example", ""])
def test_an_address_slack_would_refuse_is_refused_with_the_reason(url):
    with pytest.raises(ValueError, match="Slack only calls addresses that begin with https://"):
        http_variant(SHIPPED, url)


@pytest.mark.parametrize(
    ("options", "events", "scopes"),
    [
        ({}, set(), set()),
        ({"replies": True}, {"message.channels", "message.groups"}, set()),
        ({"reactions": True}, {"reaction_added"}, {"reactions:read"}),
        (
            {"replies": True, "reactions": True},
            {"message.channels", "message.groups", "reaction_added"},
            {"reactions:read"},
        ),
    ],
)
def test_what_people_say_is_heard_only_where_it_is_asked_for(options, events, scopes):
    shipped, variant = yaml.safe_load(SHIPPED), yaml.safe_load(listening_variant(SHIPPED, **options))

    def subscribed(manifest):
        return set(manifest["settings"]["event_subscriptions"].pop("bot_events"))

    def granted(manifest):
        return set(manifest["oauth_config"]["scopes"].pop("bot"))

    assert subscribed(variant) - subscribed(shipped) == events
    assert granted(variant) - granted(shipped) == scopes
    assert variant == shipped


def test_the_command_line_prints_what_is_asked_for():
    told = CliRunner().invoke(cli, ["manifest", "--reactions", "--url", "https://approvals.example"])
    assert told.exit_code == 0
    assert told.output == http_variant(listening_variant(SHIPPED, reactions=True), "https://approvals.example")
    assert CliRunner().invoke(cli, ["manifest"]).output == SHIPPED
