"""What we call the place of a value in a TOML file."""

Place = tuple[str | int, ...]
"""Keys and positions in arrays: `("quick_page", 0, "title")`."""
