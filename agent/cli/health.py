"""`nmr health` and `nmr hub health`: one line for monitoring, or text for Prometheus."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from agent.cli.output import Context, pass_context
from agent.wire.health import Health, as_nagios, as_prometheus

F = TypeVar("F", bound=Callable[..., Any])


def prometheus_option(command: F) -> F:
    """Give a command `--prometheus`."""
    return click.option(
        "--prometheus", is_flag=True, help="Print the numbers as Prometheus reads them, and end with 0."
    )(command)


@click.command()
@prometheus_option
@pass_context
def health(context: Context, *, prometheus: bool) -> int:
    """Say how the station is, for monitoring.

    One line; ends with 0 ok, 1 warning, 2 critical, 3 unknown.
    """
    from agent.station.support.health import station_health

    return _say(station_health(context.profile), prometheus=prometheus)


@click.command("health")
@prometheus_option
@pass_context
def hub_health(context: Context, *, prometheus: bool) -> int:
    """Say how the hub is, for monitoring.

    One line; ends with 0 ok, 1 warning, 2 critical, 3 unknown.
    """
    from agent.hub.health import hub_health as look

    return _say(look(context.profile), prometheus=prometheus)


def _say(found: Health, *, prometheus: bool) -> int:
    """Print it; a textfile that was written is good, whatever it says."""
    print(as_prometheus(found) if prometheus else as_nagios(found), end="" if prometheus else "\n")
    return 0 if prometheus else found.code
