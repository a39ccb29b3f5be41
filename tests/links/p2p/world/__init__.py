"""The peer-to-peer link against the world: the real signaling server, coturn, closed networks, and a browser."""
