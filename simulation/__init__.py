"""The app's own use cases with the sandbox's tenants and bus in one process, under virtual time: `cli` begins it.

It stands beside the app and the sandbox, because it is where the two meet without a wire
(docs/decisions/0015-simulation.md).
"""
