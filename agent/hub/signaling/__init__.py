"""The signaling server: stations that are logged in hand each other sealed frames to find a direct way."""
