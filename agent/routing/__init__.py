"""Which way a message goes now, and that it arrives exactly once."""
