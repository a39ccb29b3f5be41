"""`nmr hub psk`: the keys with which hub and stations prove themselves to each other."""

from pathlib import Path
from typing import Any

import click

from agent.cli.hub_output import code_text, hand_over, reach_hub, when
from agent.cli.output import Context, json_option, pass_context, show, table
from agent.domain.errors import BadInput
from agent.system.control import ControlLine
from agent.system.files import private_folder


@click.group()
def psk() -> None:
    """Look after the keys with which hub and stations prove themselves to each other."""


@psk.command("list")
@json_option
@pass_context
def list_(context: Context, *, as_json: bool) -> None:
    """Say of each station how old its key is and when it was last proven."""
    with reach_hub(context) as line:
        found = line.request("hub.psk.list")
    heads = ["station", "generation", "good until", "gone", "pending", "last proven", "state"]
    show(found, table([heads, *map(_key_row, found)]) if found else "no stations yet", as_json=as_json)


@psk.command()
@click.argument("station", required=False)
@click.option("--all", "everybody", is_flag=True, help="The keys of all stations.")
@json_option
@pass_context
def expire(context: Context, station: str | None, *, everybody: bool, as_json: bool) -> None:
    """Let the key of STATION count as expired: it gets a new one by itself, at once if it is there."""
    if everybody == bool(station):
        raise BadInput("Whose key?", "Name one station, or write --all", field="station")
    with reach_hub(context) as line:
        done = line.request("hub.psk.expire", station=station or "")
    show(done, "expired: " + (", ".join(done["stations"]) or "none, there are no stations yet"), as_json=as_json)


@psk.command()
@click.argument("station", required=False)
@click.option("--newer", is_flag=True, help="Every station whose key is newer than the hub's, after a restore.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="Write STATION.invite here.")
@click.option("--file", "path", type=click.Path(path_type=Path), help="Write the invite to this file.")
@click.option("--qr", type=click.Path(path_type=Path), help="Write the invite as a QR code (PNG or SVG).")
@json_option
@pass_context
def replace(
    context: Context,
    station: str | None,
    *,
    newer: bool,
    folder: Path | None,
    path: Path | None,
    qr: Path | None,
    as_json: bool,
) -> None:
    """Shut out the key of STATION at once and make an invite that gives this very computer a new one."""
    if newer == bool(station) or (newer and folder is None):
        raise BadInput("Whose key?", "Name one station, or write --newer --folder DIR", field="station")
    with reach_hub(context) as line:
        if folder is not None:
            names = _newer(line) if newer else [str(station)]
            written = [_replace_into(line, name, folder) for name in names]
            show({"invites": written}, "\n".join(written) or "no station has a newer key", as_json=as_json)
            return
        made = line.request("hub.psk.replace", station=station)
    hand_over(made, path, qr)
    show(made, code_text(made), as_json=as_json)


def _newer(line: ControlLine) -> list[str]:
    """Return the stations that came with a newer key than the hub's."""
    return [str(row["station"]) for row in line.request("hub.psk.list") if row["state"] == "restored"]


def _replace_into(line: ControlLine, station: str, folder: Path) -> str:
    path = private_folder(folder) / f"{station}.invite"
    hand_over(line.request("hub.psk.replace", station=station), path, None)
    return str(path)


def _key_row(one: dict[str, Any]) -> list[str]:
    from agent.hub.keys_report import STATES

    return [
        one["station"],
        str(one["gen"]),
        when(one["not_after_ms"]),
        f"{one['gone_percent']} %",
        str(one["pending_gen"] or "-"),
        when(one["proven_ms"]),
        STATES.get(one["state"], one["state"]),
    ]
