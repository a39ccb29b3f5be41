"""Write the configuration reference from the schema, as Markdown."""

from itertools import groupby

import msgspec

from agent.system.config_check import Setting, settings, written
from agent.system.config_schema import Config, HubConfig

_HEAD = """\
# Configuration

Every setting has a default, so no file is needed. Two files are read, the second over the first:

| | Linux | Windows |
|---|---|---|
| for everybody on this computer | `/etc/no-more-running/config.toml` | `%ProgramData%\\NoMoreRunning\\config.toml` |
| for this user | `~/.config/no-more-running/config.toml` | `%APPDATA%\\NoMoreRunning\\config.toml` |

A change is noticed within 30 seconds. A file with a mistake changes nothing: the running settings stay, and every
mistake is shown with its line. `nmr config show --why ring.again_seconds` tells which file gave a value.
"""
_HUB_HEAD = "# Hub\n\nThe hub reads `hub.toml` from the same places.\n"


def reference() -> str:
    """All settings of station and hub."""
    return "\n".join([_HEAD, *_tables(Config), _HUB_HEAD, *_tables(HubConfig)]).rstrip() + "\n"


def _tables(schema: type[msgspec.Struct]) -> list[str]:
    """One Markdown table for each table of the file, under its header as it is written there."""
    lines: list[str] = []
    for table, members in groupby(settings(schema), key=lambda one: one.key.rpartition(".")[0]):
        header = f"[[{table.removesuffix('[]')}]]" if table.endswith("[]") else f"[{table}]"
        rows = list(members)
        lines += [
            f"## `{header}`",
            "",
            rows[0].table_about,
            "",
            "| key | default | allowed | meaning |",
            "|---|---|---|---|",
        ]
        lines += [*map(_row, rows), ""]
    return lines


def _row(one: Setting) -> str:
    name = one.key.rpartition(".")[2]
    default = "*needed*" if one.required else f"`{written(one.default)}`"
    return f"| `{name}` | {default} | {one.allowed} | {one.about} |"
