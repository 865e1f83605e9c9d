"""Schema changes, in order. Run by `storage.opening` or `countersign migrate`."""

from pathlib import Path

#: The newest revision; a test checks it against the scripts, so that start-up need not load Alembic to know.
HEAD = "0004"


def known() -> frozenset[str]:
    """Return every revision that this program knows."""
    return frozenset(path.stem.partition("_")[0] for path in (Path(__file__).parent / "versions").glob("[0-9]*.py"))
