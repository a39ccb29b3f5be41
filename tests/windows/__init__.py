"""The agent as a Windows program, under wine."""
