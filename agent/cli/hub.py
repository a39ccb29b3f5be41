"""`nmr hub`: run the site's server, invite and revoke stations."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from agent.cli.health import hub_health
from agent.cli.output import Context, json_option, pass_context, show, table
from agent.cli.signaling import signaling
from agent.domain.errors import BadInput
from agent.system.control import ControlLine


@click.group()
def hub() -> None:
    """Run the site's server, invite and revoke stations."""


hub.add_command(signaling)
hub.add_command(hub_health)


@hub.command()
@json_option
@pass_context
def run(context: Context, *, as_json: bool) -> int:
    """Start the hub: broker, orders, enrolment."""
    from agent.hub.app import run_hub
    from agent.system.config import load_hub

    def ready(where: dict[str, Any]) -> None:
        text = f"hub of {where['site']} is up: {where['url']}, broker {where['broker']} on port {where['mqtt_port']}"
        print(json.dumps(where) if as_json else text, flush=True)

    return asyncio.run(run_hub(context.profile, load_hub(context.profile).config, ready=ready))


@hub.command()
@click.option("--person", required=True, help="Who sits there.")
@click.option("--role", "roles", multiple=True, required=True, help="What they do; may be given several times.")
@click.option("--station", help="Name of the station; otherwise the person's.")
@click.option("--file", "path", type=click.Path(path_type=Path), help="Write the invite to this file.")
@click.option("--qr", type=click.Path(path_type=Path), help="Write the invite as a QR code (PNG or SVG).")
@json_option
@pass_context
def invite(
    context: Context,
    person: str,
    roles: tuple[str, ...],
    station: str | None,
    *,
    path: Path | None,
    qr: Path | None,
    as_json: bool,
) -> None:
    """Make an invite for one station."""
    with _hub(context) as line:
        made = line.request("hub.invite", person=person, roles=list(roles), station=station)
    _hand_over(made, path, qr)
    show(made, _code_text(made), as_json=as_json)


@hub.command()
@click.argument("station")
@pass_context
def revoke(context: Context, station: str) -> None:
    """Remove STATION from the site, at once and everywhere."""
    with _hub(context) as line:
        line.request("hub.revoke", station=station)


@hub.command()
@click.argument("station")
@click.argument("roles", nargs=-1, required=True)
@pass_context
def roles(context: Context, station: str, roles: tuple[str, ...]) -> None:
    """Give STATION these ROLES instead of those it has."""
    with _hub(context) as line:
        line.request("hub.roles", station=station, roles=list(roles))


@hub.command()
@json_option
@pass_context
def stations(context: Context, *, as_json: bool) -> None:
    """List the members of the site."""
    with _hub(context) as line:
        found = line.request("hub.stations")
    show(found, table([_row(one) for one in found]) or "no stations yet", as_json=as_json)


@hub.command()
@json_option
@pass_context
def status(context: Context, *, as_json: bool) -> None:
    """Say how the hub is."""
    with _hub(context) as line:
        found = line.request("hub.status")
    show(found, table([[str(key), str(value)] for key, value in found.items()]), as_json=as_json)


@hub.group()
def psk() -> None:
    """Look after the keys with which hub and stations prove themselves to each other."""


@psk.command("list")
@json_option
@pass_context
def list_(context: Context, *, as_json: bool) -> None:
    """Say of each station how old its key is and when it was last proven."""
    with _hub(context) as line:
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
    with _hub(context) as line:
        done = line.request("hub.psk.expire", station=station or "")
    show(done, "expired: " + (", ".join(done["stations"]) or "none, there are no stations yet"), as_json=as_json)


@psk.command()
@click.argument("station")
@click.option("--file", "path", type=click.Path(path_type=Path), help="Write the invite to this file.")
@click.option("--qr", type=click.Path(path_type=Path), help="Write the invite as a QR code (PNG or SVG).")
@json_option
@pass_context
def replace(context: Context, station: str, *, path: Path | None, qr: Path | None, as_json: bool) -> None:
    """Shut out the key of STATION at once and make an invite that gives this very computer a new one."""
    with _hub(context) as line:
        made = line.request("hub.psk.replace", station=station)
    _hand_over(made, path, qr)
    show(made, _code_text(made), as_json=as_json)


def _hub(context: Context) -> ControlLine:
    from agent.hub.ask import connect_hub

    return connect_hub(context.profile)


def _hand_over(made: dict[str, Any], path: Path | None, qr: Path | None) -> None:
    """Write an invite where IT wants it."""
    if path is not None:
        _write(path, json.dumps(made["invite"], indent=1).encode())
    if qr is not None:
        from agent.hub.qr import write_qr

        write_qr(qr, made["invite"])


def _code_text(made: dict[str, Any]) -> str:
    return f"code  {made['code']}\nhub   {made['url']}"


def _write(path: Path, content: bytes) -> None:
    """Write an invite so that only its owner reads it: whoever has it can join."""
    from agent.system.files import write_atomically

    try:
        write_atomically(path, content)
    except OSError as error:
        raise BadInput("The invite cannot be written", f"{path}: {error}", field="file") from error


def _row(one: dict[str, Any]) -> list[str]:
    state = "revoked" if one["revoked"] else "live" if one["live"] else "away"
    return [one["station"], one["person"], ",".join(one["roles"]), state, _time(one["since_ms"]), one["kid"]]


def _key_row(one: dict[str, Any]) -> list[str]:
    from agent.hub.keys_report import STATES

    return [
        one["station"],
        str(one["gen"]),
        _time(one["not_after_ms"]),
        f"{one['gone_percent']} %",
        str(one["pending_gen"] or "-"),
        _time(one["proven_ms"]),
        STATES.get(one["state"], one["state"]),
    ]


def _time(ms: int | None) -> str:
    return "-" if ms is None else datetime.fromtimestamp(ms / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
