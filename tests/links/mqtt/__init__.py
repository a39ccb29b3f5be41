"""The MQTT link from inside: its session, its thread, its proofs, and whom it trusts."""
