"""Tests of the peer-to-peer API."""
