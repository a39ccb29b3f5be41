"""No More Running: page colleagues instead of walking to them."""

__version__ = "0.1.0"
