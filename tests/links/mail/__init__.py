"""The mail link from inside, and against real mail servers with all their faults."""
