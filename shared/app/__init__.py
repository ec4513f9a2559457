"""Use cases, one module each. What to do is decided in core; how it is done, in the adapters."""
