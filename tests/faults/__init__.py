"""What the product promises while things die: real processes, real brokers, SIGKILL."""
