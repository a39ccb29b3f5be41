"""Tests of the signaling server."""
