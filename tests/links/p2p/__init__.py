"""The peer-to-peer link: its machine in false time, its connections for real."""
