"""Notifications with buttons."""
