"""Streams of pictures."""
