"""Loads msgspec without typing_extensions; imported by the agent before anything that needs msgspec."""

# msgspec takes typing_extensions wherever it is installed (dbus-fast and the hub bring it), though Python's own typing
# has all it wants from it since 3.11. That costs an agent 3 MiB and a tenth of the time until its icon is up.

from agent.system.sparing import without

with without("typing_extensions"):
    import msgspec  # noqa: F401
