"""Links against what carries them: memory, real brokers, and nets that misbehave."""
