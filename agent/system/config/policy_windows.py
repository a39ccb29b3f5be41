"""Policy on Windows: the registry, where group policy and installers write."""

import sys

from agent.system.surroundings import Tree

assert sys.platform == "win32"

import winreg  # noqa: E402 - mypy stops reading at the line above on other systems

_HIVES = {"HKLM": winreg.HKEY_LOCAL_MACHINE, "HKCU": winreg.HKEY_CURRENT_USER}
_DEPTH = 4
_TRIES = 3
_MOST = 500
"""Keys and values looked at in one key; ours have few, and a mistake of somebody else's shall not cost us."""


def read_tree(hive: str, path: str, depth: int = _DEPTH) -> Tree:
    """Everything in a key and below it; nothing where there is no such key or it may not be read."""
    for _ in range(_TRIES):
        try:
            # The one place of 64-bit programs, whatever runs this.
            with winreg.OpenKey(_HIVES[hive], path, 0, winreg.KEY_READ | winreg.KEY_WOW64_64KEY) as key:
                return _content(key, hive, path, depth)
        except (FileNotFoundError, PermissionError):
            return {}
        except OSError:
            continue  # somebody removed a value while we read
    return {}


def _content(key: winreg.HKEYType, hive: str, path: str, depth: int) -> Tree:
    keys, values, _ = winreg.QueryInfoKey(key)
    tree: dict[str, object] = {}
    for index in range(min(values, _MOST)):
        name, value, _ = winreg.EnumValue(key, index)
        if name:
            tree[name] = value
    if depth:
        for index in range(min(keys, _MOST)):
            name = winreg.EnumKey(key, index)
            tree[name] = read_tree(hive, f"{path}\\{name}", depth - 1)
    return tree


def account() -> str:
    """Nothing: the policy of an account is in its own hive."""
    return ""
