"""What people read of a run: its folder is all that is read for it."""
