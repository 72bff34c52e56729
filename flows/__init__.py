"""The work itself, the command, and the thin layer that knows Prefect."""
