"""Subscription rules: which messages of a topic a subscription gets. Pure; knows the message only as a view."""
