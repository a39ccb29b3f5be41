"""The site's server."""
