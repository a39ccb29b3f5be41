"""Real servers on free ports, for tests that need more than a fake."""
