"""By which way: one sub-package per link, one reconnect loop for all."""
