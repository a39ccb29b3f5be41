"""What support and monitoring get of a station."""
