"""Tests of the broker the hub keeps."""
