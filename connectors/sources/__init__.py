"""One file a system that users are read from."""
