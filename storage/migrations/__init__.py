"""Schema changes, in order. Run by `storage.opening` or `countersign migrate`."""

#: The newest revision; a test checks it against the scripts, so that start-up need not load Alembic to know.
HEAD = "0002"
