"""The event stream: what happens, as it happens, in the one order all replicas agree on."""
