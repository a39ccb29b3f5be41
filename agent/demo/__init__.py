"""The whole site on one computer: a hub, two stations, an order, a page and its answer."""
