"""The steps of a run as plain functions; nothing here knows Prefect."""
