"""Chaos over the wire: life and trouble from a seed, played on the running sandbox, and a judge of what came of it."""
