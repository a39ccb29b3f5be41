"""Real servers and a real desktop for tests, each started and stopped by its user."""
