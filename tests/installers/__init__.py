"""Packages and installers: built, looked into, installed, upgraded and removed."""
