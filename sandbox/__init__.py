"""The cloud on one machine. It imports nothing of the app: the two meet only over the wire."""
