"""The migration trigger: what is zipped (``handler/``), and what builds, deploys, attaches and watches it."""
