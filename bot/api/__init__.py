"""The HTTP API: routes, principals, bodies, and the wire shapes of its answers."""
