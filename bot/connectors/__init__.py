"""How approved calls are really run, one module per kind."""
