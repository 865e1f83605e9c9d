"""Automations, their runs, and the rights given to agents."""
