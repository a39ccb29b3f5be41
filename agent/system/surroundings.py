"""Where this system keeps what IT decided: chosen here, read by the file of the system."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agent.system.config_registry import ReadTree


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What has settings besides files."""

    environment: Mapping[str, str]
    read_tree: ReadTree
    """Reads the registry; finds nothing where there is none."""
    account: Callable[[], str]
    """The name of this account as the system knows it, "" where accounts have their policy in the registry."""


def surroundings() -> Surroundings:
    """The surroundings of this process."""
    if sys.platform == "win32":
        from agent.system.policy_windows import account, read_tree
    else:
        from agent.system.policy_linux import account, read_tree
    return Surroundings(os.environ, read_tree, account)
