"""What wixl cannot say about the product, as SQL for msibuild: conditions, actions, the shortcut's AppUserModelID.

The order of things in an upgrade: the new version finds what the old one was told and takes it as its own (60 to 70),
then the old one is removed, which ends its agents first (1511), then the new one puts its files there and starts them
again (6590).
"""

from collections.abc import Iterator

from installer.windows.product import AGENT, APP_ID, GIVEN, KEPT

# Types of custom actions: 51 sets a property; 2 runs a program carried inside, + 64 whatever its exit code,
# + 1024 when the script runs, + 2048 as the system.
SET, RUN = 51, 2 + 64 + 1024 + 2048
APP_ID_KEY = "{9F4C2855-9F79-4B39-A8D0-E1D42DE1D5F3}, 5"
"""System.AppUserModel.ID."""
SHORTCUT_PROPERTIES = (
    "CREATE TABLE MsiShortcutProperty (MsiShortcutProperty CHAR(72) NOT NULL, Shortcut_ CHAR(72) NOT NULL,"
    " PropertyKey CHAR(255) NOT NULL LOCALIZABLE, PropVariantValue CHAR(255) NOT NULL LOCALIZABLE"
    " PRIMARY KEY MsiShortcutProperty)"
)


def queries() -> Iterator[str]:
    """All of it, in order."""
    for name in GIVEN:
        yield _update("Component", f"Given{name}", Condition=name)
    yield _update("Component", "Run", Condition='AUTOSTART = "1"')
    # These get from the user's half of the installer to the system's.
    secure = [*KEPT, *(f"OLD{name}" for name in KEPT), "WIX_UPGRADE_DETECTED", "WIX_DOWNGRADE_DETECTED"]
    yield _update("Property", "SecureCustomProperties", Value=";".join(secure))
    for number, name in enumerate(KEPT):
        yield from _action(f"Keep{name}", SET, name, f"[OLD{name}]", f"OLD{name} AND NOT {name}", 60 + number)
    yield from _action("Autostart", SET, "AUTOSTART", "1", "NOT AUTOSTART", 70)
    removed = 'REMOVE = "ALL" AND NOT UPGRADINGPRODUCTCODE'
    yield from _action("EndAgents", RUN, "Setup", f'end "{AGENT}"', removed, 1510)
    replaced = "UPGRADINGPRODUCTCODE OR REINSTALL"
    yield from _action("PauseAgents", RUN, "Setup", f'end "{AGENT}" remember', replaced, 1511)
    yield from _action("ResumeAgents", RUN, "Setup", f'resume "{AGENT}"', "NOT REMOVE", 6590)
    yield SHORTCUT_PROPERTIES
    row = {"MsiShortcutProperty": "AppId", "Shortcut_": "Shortcut"}
    yield _insert("MsiShortcutProperty", **row, PropertyKey=APP_ID_KEY, PropVariantValue=APP_ID)


def _action(name: str, kind: int, source: str, target: str, condition: str, sequence: int) -> Iterator[str]:
    yield _insert("CustomAction", Action=name, Type=kind, Source=source, Target=target)
    yield _insert("InstallExecuteSequence", Action=name, Condition=condition, Sequence=sequence)


def _insert(table: str, **row: str | int) -> str:
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(map(_written, row.values()))})"  # noqa: S608 - ours


def _update(table: str, key: str, **row: str | int) -> str:
    new = ", ".join(f"{name} = {_written(value)}" for name, value in row.items())
    return f"UPDATE {table} SET {new} WHERE {table} = {_written(key)}"  # noqa: S608 - all of it is ours


def _written(value: str | int) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)
