"""`nmr p2p`: look at the direct ways to other stations."""

from statistics import median
from typing import Any

import click

from agent.cli.output import Context, json_option, pass_context, show
from agent.system.control import connect


@click.group()
def p2p() -> None:
    """Look at the direct ways to other stations."""


@p2p.command()
@click.argument("station")
@json_option
@pass_context
def ping(context: Context, station: str, *, as_json: bool) -> None:
    """Let STATION answer over its direct way, which is opened if need be, and say how long that took."""
    with connect(context.profile) as line:
        found = line.request("p2p.ping", station=station)
    show(found, _text(found), as_json=as_json)


def _text(found: dict[str, Any]) -> str:
    opened = "" if found["opened_ms"] is None else f", opened in {found['opened_ms']} ms"
    trips = found["rtt_ms"]
    head = f"{found['station']}: {found['route']}{opened}"
    return "\n".join([head, *(f"{trip:.2f} ms" for trip in trips), f"median {median(trips):.2f} ms"])
