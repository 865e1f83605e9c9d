"""The Slack app manifest: manifest.yml is the Socket Mode app; this derives its variants from it."""

import yaml


def listening_variant(shipped: str, *, replies: bool = False, reactions: bool = False) -> str:
    """Return the manifest of an app that also hears what people write, or how they react, where it is a member."""
    manifest = yaml.safe_load(shipped)
    events: list[str] = manifest["settings"]["event_subscriptions"]["bot_events"]
    scopes: list[str] = manifest["oauth_config"]["scopes"]["bot"]
    events += ["message.channels", "message.groups"] if replies else []
    events += ["reaction_added"] if reactions else []
    scopes += ["reactions:read"] if reactions else []
    events.sort()
    scopes.sort()
    return yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True)


def http_variant(shipped: str, url: str) -> str:
    """Return the manifest for HTTP mode under `url`. Raises ValueError where Slack would refuse the address."""
    base = url.rstrip("/")
    if not base.startswith("https://"):
        raise ValueError(f"--url is {url!r}; Slack only calls addresses that begin with https://")
    manifest = yaml.safe_load(shipped)
    endpoint = f"{base}/slack/events"
    manifest["settings"]["socket_mode_enabled"] = False
    manifest["settings"]["interactivity"]["request_url"] = endpoint
    manifest["settings"]["event_subscriptions"]["request_url"] = endpoint
    for command in manifest["features"]["slash_commands"]:
        command["url"] = endpoint
    return yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True)
