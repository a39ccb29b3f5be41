"""What we talk about: envelopes, pages, orders, members; pure."""
