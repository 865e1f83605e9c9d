"""From countersign.toml to the compiled policy: the file's shape, its compilation, and where mistakes stand."""

from bot.policy.load import InForce, PolicyProblem, PolicySource, TenantPolicy, load_policies, load_policy

__all__ = ["InForce", "PolicyProblem", "PolicySource", "TenantPolicy", "load_policies", "load_policy"]
