"""What the program costs, measured on this computer and compared with its goals."""
