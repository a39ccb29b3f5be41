"""Work handed to workers: who is available, who gets what and why, and what happens when somebody falls out."""
