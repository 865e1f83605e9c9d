"""`python -m countersign_client` is `countersign-client`."""

from countersign_client.cli import main

raise SystemExit(main())
