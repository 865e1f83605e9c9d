"""The Slack app manifest: manifest.yml is the Socket Mode app; this derives the HTTP variant from it."""

import yaml


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
