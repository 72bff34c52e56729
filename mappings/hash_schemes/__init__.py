"""Schemes of password hashes: how each is told, and how it is rewritten into one of Cognito's formats."""
