"""The sound that makes people look up."""
