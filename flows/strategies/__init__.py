"""The ways into the pool."""
