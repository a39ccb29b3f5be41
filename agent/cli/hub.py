"""`nmr hub`: run the site's server, invite and revoke stations."""

import asyncio
import json
from pathlib import Path
from typing import Any

import click

from agent.cli.health import hub_health
from agent.cli.hub_backup import backup, restore, settle
from agent.cli.hub_init import init
from agent.cli.hub_keys import psk
from agent.cli.hub_output import code_text, hand_over, reach_hub, when
from agent.cli.output import Context, json_option, pass_context, show, table
from agent.cli.signaling import signaling


@click.group()
def hub() -> None:
    """Run the site's server, invite and revoke stations."""


for command in (init, signaling, hub_health, psk, backup, restore, settle):
    hub.add_command(command)


@hub.command()
@json_option
@pass_context
def run(context: Context, *, as_json: bool) -> int:
    """Start the hub: broker, orders, enrolment."""
    return start_hub(context, as_json=as_json)


def start_hub(context: Context, *, as_json: bool) -> int:
    """Run the hub until it is told to end; returns its exit code."""
    from agent.hub.app import run_hub
    from agent.system.config.load import load_hub

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
    with reach_hub(context) as line:
        made = line.request("hub.invite", person=person, roles=list(roles), station=station)
    hand_over(made, path, qr)
    show(made, code_text(made), as_json=as_json)


@hub.command()
@click.argument("station")
@pass_context
def revoke(context: Context, station: str) -> None:
    """Remove STATION from the site, at once and everywhere."""
    with reach_hub(context) as line:
        line.request("hub.revoke", station=station)


@hub.command()
@click.argument("station")
@click.argument("roles", nargs=-1, required=True)
@pass_context
def roles(context: Context, station: str, roles: tuple[str, ...]) -> None:
    """Give STATION these ROLES instead of those it has."""
    with reach_hub(context) as line:
        line.request("hub.roles", station=station, roles=list(roles))


@hub.command()
@json_option
@pass_context
def stations(context: Context, *, as_json: bool) -> None:
    """List the members of the site."""
    with reach_hub(context) as line:
        found = line.request("hub.stations")
    show(found, table([_row(one) for one in found]) or "no stations yet", as_json=as_json)


@hub.command()
@pass_context
def stop(context: Context) -> None:
    """End the hub that runs here; a service starts it again."""
    with reach_hub(context) as line:
        line.request("quit")


@hub.command()
@json_option
@pass_context
def status(context: Context, *, as_json: bool) -> None:
    """Say how the hub is."""
    with reach_hub(context) as line:
        found = line.request("hub.status")
    rows = table([[str(key), str(value)] for key, value in found.items() if key != "alarms"])
    show(found, "\n".join([rows, *(f"\nALARM: {alarm}" for alarm in found["alarms"])]), as_json=as_json)


def _row(one: dict[str, Any]) -> list[str]:
    state = "revoked" if one["revoked"] else "live" if one["live"] else "away"
    return [one["station"], one["person"], ",".join(one["roles"]), state, when(one["since_ms"]), one["kid"]]
