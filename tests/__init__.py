"""Everything that proves the agent, mirrored from agent/."""
