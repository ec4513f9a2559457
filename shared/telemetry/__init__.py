"""Telemetry: the provisioning log. Knows no Graph, no store and no bus."""
