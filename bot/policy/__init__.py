"""From countersign.toml to the compiled policy: the file's shape, its compilation, and where mistakes stand."""

from bot.policy.load import PolicyProblem, PolicySource, load_policy

__all__ = ["PolicyProblem", "PolicySource", "load_policy"]
