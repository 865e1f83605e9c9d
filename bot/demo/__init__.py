"""Countersign without Slack: a local workspace, the real server, a sample agent, and a service it changes."""

from bot.demo.stage import Demo, run_demo

__all__ = ["Demo", "run_demo"]
