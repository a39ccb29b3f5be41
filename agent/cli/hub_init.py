"""`nmr hub init`: from nothing to a site with its first invite, by questions or by options."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli.hub_output import code_text, hand_over
from agent.cli.output import Context, json_option, pass_context
from agent.domain.errors import BadInput, NmrError, Unavailable

if TYPE_CHECKING:
    from agent.hub.founding import Plan

SERVICE = "nmr-hub.service"
STARTS = ("service", "here", "no")


@click.command()
@click.option("--yes", is_flag=True, help="Ask nothing; what no option says is found out or left at its default.")
@click.option("--site", help="Name of the site; it stays for ever.")
@click.option("--address", "addresses", multiple=True, help="A name or address stations use; may be repeated.")
@click.option("--broker", type=click.Choice(["nats", "mosquitto"]), help="The embedded broker, or Mosquitto.")
@click.option("--listen", help="The IP address to listen on; otherwise all.")
@click.option("--http-port", type=click.IntRange(1, 65535), help="Enrolment and signaling (HTTPS).")
@click.option("--mqtt-port", type=click.IntRange(1, 65535), help="The broker (MQTT over TLS).")
@click.option("--person", help="Who gets the first invite.")
@click.option("--role", "roles", multiple=True, help="What they do; may be repeated.")
@click.option("--start", type=click.Choice(STARTS), help="As a service, here until Ctrl-C, or not now.")
@click.option("--unchecked", is_flag=True, help="Go on in spite of what looks wrong.")
@click.option("--file", "path", type=click.Path(path_type=Path), help="Write the invite to this file.")
@click.option(
    "--qr", type=click.Path(path_type=Path, allow_dash=True), help="The invite as PNG or SVG; - draws it here."
)
@json_option
@pass_context
def init(
    context: Context,
    /,
    *,
    yes: bool,
    start: str | None,
    unchecked: bool,
    path: Path | None,
    qr: Path | None,
    as_json: bool,
    **given: Any,
) -> int:
    """Found a site on this computer and make its first invite."""
    from agent.hub.founding import begun, found, problems, taken_up

    if not yes and not sys.stdin.isatty():
        raise BadInput("Nobody can be asked here", "Write --yes, and --site, --address … for what shall be different")
    old = begun(context.profile)
    plan = _planned(old, given, ask=not yes)
    if old is not None:
        plan = taken_up(old, plan)
    start = start or (
        _usual_start() if yes else click.prompt("Start it", _usual_start(), type=click.Choice(STARTS), err=True)
    )
    wrong = list(problems(context.profile, plan))
    for problem in wrong if unchecked else wrong[1:]:
        print(f"nmr: {problem}", file=sys.stderr)
    if wrong and not unchecked:
        raise wrong[0]
    made = asyncio.run(found(context.profile, plan))
    first = made["first"]
    hand_over(first, path, None if qr is None or str(qr) == "-" else qr)
    print(json.dumps({**made, "start": start}) if as_json else _text(made, first, qr, start), flush=True)
    return _start(context, start, as_json=as_json)


def _planned(old: "Plan | None", given: dict[str, Any], *, ask: bool) -> "Plan":
    """Put together what options say, what was begun, and what is usual; asked for if `ask`."""
    from agent.hub.founding import Plan, brokers_here
    from agent.hub.place import names_of
    from agent.system.config.schema import Hub

    usual = old or Plan(site=_usual_site(), names=names_of(Hub()))
    here = brokers_here()

    def take(key: str, question: str, default: Any) -> Any:
        if given[key] or not ask:
            return given[key] or default
        return click.prompt(question, default, err=True)

    def several(key: str, question: str, default: tuple[str, ...]) -> tuple[str, ...]:
        found = take(key, question, ",".join(default))
        return (
            tuple(found) if isinstance(found, tuple) else tuple(one.strip() for one in found.split(",") if one.strip())
        )

    return Plan(
        site=take("site", "Name of the site (a-z, 0-9, -)", usual.site),
        names=several("addresses", "Names or addresses stations reach this computer by", usual.names),
        listen=given["listen"] or usual.listen,
        broker=take("broker", f"Broker ({', '.join(here)})", usual.broker if old or not here else here[0]),
        http_port=int(take("http_port", "Port of enrolment (HTTPS)", usual.http_port)),
        mqtt_port=int(take("mqtt_port", "Port of the broker (MQTT over TLS)", usual.mqtt_port)),
        person=take("person", "Who gets the first invite", usual.person),
        roles=several("roles", "What they do", usual.roles),
    )


def _usual_site() -> str:
    from agent.domain.names import to_name

    return to_name(socket.gethostname().partition(".")[0]) or "site"


def _usual_start() -> str:
    """A service where we may start one; not at all where somebody else must; here where there is none."""
    if not _has_service():
        return "here"
    return "service" if sys.platform != "win32" and os.geteuid() == 0 else "no"


def _has_service() -> bool:
    systemctl = shutil.which("systemctl") if Path("/run/systemd/system").is_dir() else None
    return bool(systemctl) and subprocess.run([str(systemctl), "cat", SERVICE], capture_output=True).returncode == 0


def _start(context: Context, start: str, *, as_json: bool) -> int:
    match start:
        case "service":
            done = subprocess.run(["systemctl", "enable", "--now", SERVICE], capture_output=True)
            if done.returncode:
                why = done.stderr.decode(errors="replace").strip()
                raise Unavailable("The service could not be started", f"{why}. The site is founded: start it yourself")
        case "here":
            from agent.cli.hub import start_hub

            return start_hub(context, as_json=as_json)
    return 0


def _text(made: dict[str, Any], first: dict[str, Any], qr: Path | None, start: str) -> str:
    service = _has_service()
    begin = f"systemctl enable --now {SERVICE}          start it, as root" if service else "nmr hub run     start it"
    lines = [
        f"site {made['site']} is founded: {made['url']}, broker {made['broker']} on port {made['mqtt_port']}",
        "",
        "the first invite, good once:",
        code_text(first),
        *([_drawn(first)] if str(qr) == "-" else []),
        "on that computer: nmr enrol INVITE-FILE, or: nmr enrol CODE --hub HUB",
        "",
        *([f"next: {begin}"] if start == "no" else []),
        "next: nmr hub invite --person NAME --role ROLE     the next station",
        "      nmr hub status                               how everything is",
        "      nmr hub backup FILE                          every night, and keep the passphrase elsewhere",
    ]
    return "\n".join(lines)


def _drawn(first: dict[str, Any]) -> str:
    from agent.hub.qr import draw_qr

    try:
        return draw_qr(first["invite"])
    except NmrError as error:
        return str(error)
