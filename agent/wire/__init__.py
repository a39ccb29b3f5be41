"""How it is written on every link: strict JSON, signature, seal; pure."""
