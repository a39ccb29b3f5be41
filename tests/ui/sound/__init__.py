"""Tests of the sound players."""
