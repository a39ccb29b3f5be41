"""Where this system keeps what IT decided: chosen here, read by the file of the system."""

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

Tree = Mapping[str, Any]
"""A registry key: its values by name (int, str, list of str, bytes), its keys as further trees."""
ReadTree = Callable[[str, str], Tree]
"""From hive ("HKLM" or "HKCU") and path to what is there; empty where nothing is."""


class Surroundings:
    """What has settings besides files.

    `read_tree` reads the registry, None where there is none. `account` is the name of this account as the system knows
    it, "" where accounts have their policy in the registry.
    """

    __slots__ = ("account", "environment", "read_tree")

    def __init__(self, environment: Mapping[str, str], read_tree: ReadTree | None, account: Callable[[], str]) -> None:
        self.environment, self.read_tree, self.account = environment, read_tree, account


def surroundings() -> Surroundings:
    """The surroundings of this process."""
    if sys.platform == "win32":
        from agent.system.config.policy_windows import account, read_tree

        return Surroundings(os.environ, read_tree, account)
    else:  # noqa: RET505 - so that mypy reads each half for its own system
        from agent.system.config.policy_linux import account

        return Surroundings(os.environ, None, account)
