"""Telemetry: the two logs, traces and metrics. Knows no Graph, no store and no bus."""
