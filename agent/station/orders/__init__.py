"""The shared list of orders at this station."""
