"""Signing in at a provider of mailboxes, and the short-lived tokens that follow from it."""
