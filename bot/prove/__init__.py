"""Proof on the spot: the real server against a workspace that misbehaves, people who do too, and a count of the damage.

Everything runs on this machine: a scratch database of the kind that is configured, the server as a process that is
killed and started again, the local workspace as its Slack, and a service that counts what approved calls really did.
"""
