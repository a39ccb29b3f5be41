"""`nmr config`: look at the settings, see where each comes from, and change the user's own."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from agent.cli.output import Context, F, json_option, pass_context, show, table
from agent.domain.errors import NmrError
from agent.system.config.load import Loaded, load, look_at_hub
from agent.system.config.schema import needs_restart

MOST_SHOWN = 60


def _hub_option(command: F) -> F:
    return click.option("--hub", is_flag=True, help="The hub's settings, not the station's.")(command)


@click.group()
def config() -> None:
    """Look at the configuration, explain and change it."""


@config.command()
@_hub_option
@json_option
@pass_context
def check(context: Context, *, hub: bool, as_json: bool) -> None:
    """Read the configuration and name every problem."""
    loaded = _loaded(context, hub=hub)
    loaded.check()
    warnings = [str(warning) for warning in loaded.warnings]
    text = "\n".join([f"warning: {warning}" for warning in warnings] or ["the configuration is good"])
    show({"ok": True, "warnings": warnings}, text, as_json=as_json)


@config.command(name="show")
@click.option("--why", metavar="KEY", help="Say what every layer says about this setting, and which counts.")
@_hub_option
@json_option
@pass_context
def show_(context: Context, why: str | None, *, hub: bool, as_json: bool) -> None:
    """Show all settings, and where each comes from."""
    from agent.system.config.why import below, decisions, explained

    if why:
        found = below(_loaded(context, hub=hub or why.partition(".")[0] == "hub"), why)
        show({"why": [one.all_to_wire() for one in found]}, "\n".join(map(explained, found)), as_json=as_json)
        return
    loaded = _loaded(context, hub=hub)
    rows = [
        [
            one.setting.key,
            _shortened(one.shown(one.winner.value)),
            f"{one.winner.rank}{' (locked)' if one.locked else ''}",
            one.winner.origin,
        ]
        for one in decisions(loaded)
    ]
    notes = [f"mistake: {one}" for one in loaded.mistakes] + [f"warning: {one}" for one in loaded.warnings]
    found_ = [one.to_wire() for one in decisions(loaded)]
    show(
        {"settings": found_, "mistakes": [*map(str, loaded.mistakes)], "warnings": [*map(str, loaded.warnings)]},
        "\n".join([table([["KEY", "VALUE", "FROM", ""], *rows]), *notes]),
        as_json=as_json,
    )


@config.command(name="set")
@click.argument("key")
@click.argument("value")
@_hub_option
@json_option
@pass_context
def set_(context: Context, key: str, value: str, *, hub: bool, as_json: bool) -> None:
    """Write a setting into your own file; what policy fixed is refused."""
    from agent.system.config.change import change

    _changed(context, key, lambda file, loaded: change(file, loaded, key, value), hub=hub, as_json=as_json)


@config.command()
@click.argument("key")
@_hub_option
@json_option
@pass_context
def unset(context: Context, key: str, *, hub: bool, as_json: bool) -> None:
    """Take a setting out of your own file, so that the default counts again."""
    from agent.system.config.change import forget

    _changed(context, key, lambda file, loaded: forget(file, loaded, key), hub=hub, as_json=as_json)


def _changed(context: Context, key: str, deed: Callable[[Path, Loaded[Any]], str], *, hub: bool, as_json: bool) -> None:
    from agent.system.config.why import decision

    hub = hub or key.partition(".")[0] == "hub"
    file = context.profile.hub_config_file if hub else context.profile.config_file
    note = deed(file, _loaded(context, hub=hub))
    now = decision(_loaded(context, hub=hub), key)
    if not hub:
        _tell_agent(context)
    later = "after the next start" if needs_restart(key) or hub else "at once"
    text = f"{key} = {now.shown(now.winner.value)}   ({file}; takes effect {later})"
    show({**now.to_wire(), "file": str(file), "note": note}, "\n".join(filter(None, [text, note])), as_json=as_json)


def _tell_agent(context: Context) -> None:
    """Let an agent that runs look at its settings now, not within 30 seconds."""
    from agent.system.control import connect

    with suppress(NmrError), connect(context.profile) as line:
        line.request("settings.reload")


def _loaded(context: Context, *, hub: bool) -> Loaded[Any]:
    return look_at_hub(context.profile) if hub else load(context.profile)


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"
