"""The Agent Approval Protocol under `/aap`: another face of proposals, for agents that speak it already."""
