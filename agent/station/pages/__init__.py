"""Pages at this desk: sent, received, rung, answered, and how far each one is."""
