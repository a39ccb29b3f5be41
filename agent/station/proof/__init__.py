"""The hub's proof at this station, and keys that renew themselves."""
