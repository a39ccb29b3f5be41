"""Tasks at this station: those it asked for and those it does for others; loaded by the first that concerns it."""
