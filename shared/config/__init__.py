"""Configuration: sync.yaml and the app settings, validated into core's types."""
