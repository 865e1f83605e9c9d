"""The HTTP variant of the app manifest: the same app, with addresses where the socket was."""

import pytest
import yaml

from bot.manifest import http_variant
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
    assert variant["oauth_config"].pop("redirect_urls") == ["https://a.example/slack/oauth_redirect"]
    for command in variant["features"]["slash_commands"]:
        command.pop("url")
    assert variant == shipped


@pytest.mark.parametrize("url", ["http://approvals.example", "approvals.example", ""])
def test_an_address_slack_would_refuse_is_refused_with_the_reason(url):
    with pytest.raises(ValueError, match="Slack only calls addresses that begin with https://"):
        http_variant(SHIPPED, url)
