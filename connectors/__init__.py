"""The outside world: systems that users are read from, and the pool they are written to."""
