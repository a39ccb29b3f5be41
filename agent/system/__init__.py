"""This computer: files, database, local socket, configuration."""
