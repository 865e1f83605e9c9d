"""Countersign as an MCP server: at `/mcp` for agents, and over standard streams as a client of the HTTP API.

Only what is needed to answer the first request imports the mcp package, which is slow to load.
"""
