"""What staff see and hear."""
