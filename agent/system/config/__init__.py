"""Settings: where they come from, which of them counts, what is wrong with them, and how one is changed."""
