"""What Countersign costs, measured against the same machine's own limits in the same run.

`python -m benchmarks` prints one table. Three processes share nothing but loopback: the server under test, the
other side (`world.py`: the tools' service, a Slack workspace and an echo), and the load generator, which is this
process. Nothing here asserts a time; ratios within one run are what may be compared.
"""
