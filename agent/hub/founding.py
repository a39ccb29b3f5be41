"""A new site: what could go wrong is looked for, then configuration, keys, authority and first invite are made."""

# hub.founding (JSON of Plan, beside the hub's folder) is there from before the first file until all is done. Whoever
# was cut off runs the same command again: what is there is taken up, what is missing is made.

import shutil
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from msgspec import DecodeError, Struct, json

import agent
from agent.domain.errors import BadInput, NmrError, TryLater
from agent.domain.names import is_name
from agent.hub.app import open_hub
from agent.hub.backup import DATABASE, FOUNDING, NEEDED, place_of
from agent.hub.broker.base import BrokerFailed
from agent.system.config.load import load_hub
from agent.system.config.schema import Hub
from agent.system.files import write_atomically
from agent.system.lock import ProfileLock
from agent.system.paths import Profile

LEAST_BYTES = 512 << 20
"""A broker's queues and a year of logs and copies."""

Broker = Literal["nats", "mosquitto"]


class Plan(Struct, frozen=True, kw_only=True):
    """What a new site is to be; `names` are those stations reach the hub by."""

    site: str
    names: tuple[str, ...]
    listen: str = Hub().listen
    http_port: int = Hub().http_port
    mqtt_port: int = Hub().mqtt_port
    broker: Broker = "nats"
    person: str = "it"
    roles: tuple[str, ...] = ("admin",)

    def toml(self) -> str:
        """The configuration; JSON's texts and lists are TOML's as well."""
        values = {"site": self.site, "listen": self.listen, "names": list(self.names), "broker": self.broker}
        ports = {"http_port": self.http_port, "mqtt_port": self.mqtt_port}
        lines = [f"{key} = {json.encode(value).decode()}" for key, value in {**values, **ports}.items()]
        return (
            "# Written by nmr hub init; everything else there is: docs/configuration.md\n[hub]\n"
            + "\n".join(lines)
            + "\n"
        )


def begun(profile: Profile) -> Plan | None:
    """Return the plan of a founding that was cut off; raises BadInput if a site or its configuration is there."""
    marker = _marker(profile)
    if marker.exists():
        try:
            return json.decode(marker.read_bytes(), type=Plan)
        except (OSError, DecodeError):
            return None
    if any(place_of(profile, name).exists() for name in (DATABASE, NEEDED[0])):
        site = load_hub(profile).config.hub.site
        raise BadInput(
            f"There is a site here already: “{site}”",
            "Start it: nmr hub run. Look at it: nmr hub status. Let somebody in: nmr hub invite. Move it here from "
            "another computer: nmr hub restore. A second one needs another --profile",
            code="site-there",
        )
    if profile.hub_config_file.exists():
        raise BadInput(
            "There is a configuration already",
            f"{profile.hub_config_file}: start the hub with it (nmr hub run), or move it away",
            code="site-there",
        )
    return None


def brokers_here() -> list[Broker]:
    """Return the brokers that can be kept on this computer, the best first."""
    return [broker for broker in ("nats", "mosquitto") if _has(broker)]


def problems(profile: Profile, plan: Plan) -> Iterator[NmrError]:
    """Yield what would keep the site from working, each with what to do."""
    yield from _names(plan)
    if plan.broker not in brokers_here():
        yield BadInput("The broker is not installed", f"Install {plan.broker}, or choose another", field="broker")
    for port, field in ((plan.http_port, "http-port"), (plan.mqtt_port, "mqtt-port")):
        if why := _port_taken(plan.listen, port):
            yield BadInput(
                "A port is not free", f"{plan.listen}, port {port}: {why}. Choose another --{field}", field=field
            )
    free = shutil.disk_usage(_nearest(profile.data_folder)).free
    if free < LEAST_BYTES:
        yield NmrError(
            "The disk is nearly full",
            f"{free >> 20} MiB free below {profile.data_folder}; {LEAST_BYTES >> 20} are needed",
        )
    if (installed := Path(agent.__file__).stat().st_mtime) > time.time() + 60:
        yield NmrError(
            "The clock of this computer is wrong",
            f"It says {_day(time.time())}, and the program was installed on {_day(installed)}. All stations take their "
            "time from here: set it first",
        )


async def found(profile: Profile, plan: Plan) -> dict[str, Any]:
    """Make the site and its first invite, with its broker up for a moment to show that it comes up.

    Returns the hub's status and, as "first", the invite (see office); raises NmrError.
    """
    profile.create()
    lock = ProfileLock(profile.hub_lock_file)
    if not lock.acquire():
        raise TryLater("The hub is running already", "Look at it: nmr hub status", code="hub-running")
    lock.release()
    write_atomically(_marker(profile), json.encode(plan))
    write_atomically(profile.hub_config_file, plan.toml().encode())
    async with open_hub(profile, load_hub(profile).config) as running:
        asked = {"person": plan.person, "roles": list(plan.roles), "station": None}
        first = await running.office.answer("hub.invite", asked, lambda _: None)
        status = running.office.status()
    _marker(profile).unlink()
    return {**status, "first": first}


def taken_up(old: Plan, new: Plan) -> Plan:
    """Return the plan to go on with: the site has its name already, everything else may have been the mistake."""
    if new.site != old.site:
        raise BadInput(
            f"The site “{old.site}” was begun here",
            f"Go on with it: nmr hub init --site {old.site}; or use another --profile",
            field="site",
        )
    return new


def _names(plan: Plan) -> Iterator[NmrError]:
    for field, names in (("site", (plan.site,)), ("person", (plan.person,)), ("role", plan.roles)):
        for name in names:
            if not is_name(name):
                yield BadInput("This name cannot be used", f"“{name}”: write 1 to 32 of a-z, 0-9 and -", field=field)
    if not plan.names:
        yield BadInput("No address", "Say by which names or addresses stations reach this computer", field="address")
    for name in plan.names:
        try:
            socket.getaddrinfo(name, None)
        except (OSError, UnicodeError):
            yield BadInput(
                "An address is not known here",
                f"“{name}”: stations would not find it either. Enter it in the DNS, or give the IP address",
                field="address",
            )


def _port_taken(listen: str, port: int) -> str:
    """Say why nobody can listen there; empty if we can."""
    try:
        with socket.create_server((listen, port), family=socket.AF_INET6 if ":" in listen else socket.AF_INET):
            return ""
    except (OSError, OverflowError) as error:
        return getattr(error, "strerror", None) or str(error)


def _has(broker: str) -> bool:
    if broker == "mosquitto" and sys.platform == "win32":
        return False  # nobody keeps one there, see choose
    try:
        if broker == "nats":
            from agent.hub.broker.nats import nats_program

            return bool(nats_program())
        from agent.hub.broker.mosquitto import mosquitto_program

        return bool(mosquitto_program())
    except BrokerFailed:
        return False


def _marker(profile: Profile) -> Path:
    return profile.data_folder / FOUNDING


def _nearest(folder: Path) -> Path:
    """The folder, or the one above it that is there."""
    return next(one for one in (folder, *folder.parents) if one.exists())


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(seconds))
