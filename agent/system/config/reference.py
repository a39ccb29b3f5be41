"""Write the configuration reference from the schema, as Markdown."""

from itertools import groupby

import msgspec

from agent.system.config.check import Setting, settings, written
from agent.system.config.schema import FOR_STAFF, Config, HubConfig, needs_restart
from agent.system.config.texts import variable

_HEAD = r"""
# Configuration

Every setting has a default, so no file is needed. Each comes from the strongest layer that says something about it:

| | layer | Linux | Windows |
|---|---|---|---|
| 1 | machine policy (locked) | `/etc/no-more-running/policy.toml` | `HKLM\Software\Policies\NoMoreRunning` |
| 2 | user policy (locked) | `/etc/no-more-running/user-policy/ACCOUNT.toml` | `HKCU\Software\Policies\NoMoreRunning` |
| 3 | command line | `nmr --set ring.again_seconds=20 run` | the same |
| 4 | environment | `NMR_RING__AGAIN_SECONDS=20` | the same |
| 5 | user file | `~/.config/no-more-running/config.toml` | `%APPDATA%\NoMoreRunning\config.toml` |
| 6 | machine defaults | `/etc/no-more-running/config.toml` | `HKLM\Software\NoMoreRunning`, then |
| | | | `%ProgramData%\NoMoreRunning\config.toml` |
| 7 | built-in | the tables below | the tables below |

What a policy says cannot be changed anywhere else; see [policy.md](policy.md). A list replaces a list, it is not added
to it. With `nmr --profile DIR`, layers 5 and 6 are `DIR/config.toml` and `DIR/machine/config.toml`; the computer's
policy counts there, too.

A change is noticed within 30 seconds, at once if `nmr config set` or the window made it. Settings marked ↻ are read
when the agent starts. Those marked ☺ staff find in the window, too.

A mistake costs the one key it is in, or the one file that cannot be read: it is shown with file and line, and
everything else counts. If a file that was good gets a mistake while the agent runs, what it said before stays. Unknown
keys only warn, with the nearest known name. A hub does not start before all mistakes are gone.

| command | |
|---|---|
| `nmr config show` | every setting, its value and which layer gave it |
| `nmr config show --why ring.again_seconds` | what every layer says about it, and which counts |
| `nmr config check` | every mistake, with its line; exit code 78 if there is one |
| `nmr config set ring.again_seconds 20` | write it into the user's file; exit code 77 if it is locked |
| `nmr config unset ring.again_seconds` | take it out again |

All take `--json`, and `--hub` for the hub's settings.

In the environment and on the command line a value is a text: `true`, `yes`, `on` or `1` and their opposites; a list
with commas, or as it stands in a TOML file (`NMR_QUICK_PAGE='[{ title = "Tea", to = "all" }]'`).
"""
_HUB_HEAD = r"""
# Hub

The hub reads `hub.toml` where stations read `config.toml`, and `hub-policy.toml` beside `policy.toml`
(`HKLM\Software\Policies\NoMoreRunningHub`, `HKLM\Software\NoMoreRunningHub`); it has no policy for single
accounts. All of it is read when the hub starts.
"""


def reference() -> str:
    """All settings of station and hub."""
    return "\n".join([_HEAD.lstrip(), *_tables(Config), _HUB_HEAD.lstrip(), *_tables(HubConfig)]).rstrip() + "\n"


def _tables(schema: type[msgspec.Struct]) -> list[str]:
    """One Markdown table for each table of the file, under its header as it is written there."""
    lines: list[str] = []
    for table, members in groupby(settings(schema), key=lambda one: one.key.rpartition(".")[0]):
        header = f"[[{table.removesuffix('[]')}]]" if table.endswith("[]") else f"[{table}]"
        rows = list(members)
        lines += [f"## `{header}`", "", rows[0].table_about, ""]
        first = table.removesuffix("[]")
        lines += [f"In the environment: `{variable(first)}{'' if table.endswith('[]') else '__…'}`.", ""]
        lines += ["| key | default | allowed | meaning |", "|---|---|---|---|"]
        lines += [*(_row(one, station=schema is Config) for one in rows), ""]
    return lines


def _row(one: Setting, *, station: bool) -> str:
    name = one.key.rpartition(".")[2]
    default = "*needed*" if one.required else f"`{written(one.default)}`"
    marks = " ↻" * (station and needs_restart(one.key)) + " ☺" * (one.key in FOR_STAFF)
    return f"| `{name}`{marks} | {default} | {one.allowed} | {one.about} |"
