"""What the window shows, computed from the agent's state and the time; pure."""
