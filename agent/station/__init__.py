"""The agent on a desk."""
