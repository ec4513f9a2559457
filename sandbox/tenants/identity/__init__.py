"""Who calls: signing keys, the login service and the managed identity endpoint."""
