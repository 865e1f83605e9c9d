"""`python -m benchmarks.loaded`: build and start a server, then print which modules of its dependencies it loaded.

Prints one JSON line: the modules in the order they were loaded. Settings come from the environment, as for `serve`.
"""

import asyncio
import importlib.metadata
import json
import os
import re
import sys

_NAMES = {"pyyaml": "yaml", "uuid-utils": "uuid_utils", "slack-bolt": "slack_bolt", "slack-sdk": "slack_sdk"}


def dependencies() -> set[str]:
    """Return the import names of the product's direct dependencies."""
    required = importlib.metadata.requires("countersign") or []
    names = [re.split(r"[^A-Za-z0-9._-]", one, maxsplit=1)[0].lower() for one in required if "extra ==" not in one]
    return {_NAMES.get(name, name) for name in names}


async def _started() -> list[str]:
    from bot.app import build
    from bot.settings import read_settings

    server = await build(read_settings(os.environ), os.environ)
    await server.start()
    try:
        return [name for name in sys.modules if not name.startswith(("benchmarks", "__"))]
    finally:
        await server.stop()


if __name__ == "__main__":
    import bot.__main__  # noqa: F401 - the command line is part of what a server imports

    modules = asyncio.run(_started())
    direct = dependencies()
    print(json.dumps([name for name in modules if name.split(".", 1)[0] in direct]))
