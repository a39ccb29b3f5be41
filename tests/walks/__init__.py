"""Walks through the whole product: real agents over links that behave as badly as told."""
