"""The app, in floors: app on graph, bus, store and telemetry, on config, on core."""
