"""Guards for the tools of agent frameworks; each needs its extra."""
