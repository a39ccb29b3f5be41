"""`nmr config`: look at the settings and where each comes from."""

import click
import msgspec

from agent.cli.output import Context, json_option, pass_context, show
from agent.system.config import explain, load


@click.group()
def config() -> None:
    """Check and explain the configuration."""


@config.command()
@json_option
@pass_context
def check(context: Context, *, as_json: bool) -> None:
    """Read the configuration and name every problem."""
    loaded = load(context.profile)
    warnings = [str(warning) for warning in loaded.warnings]
    text = "\n".join([f"warning: {warning}" for warning in warnings] or ["the configuration is good"])
    show({"ok": True, "warnings": warnings}, text, as_json=as_json)


@config.command(name="show")
@click.option("--why", metavar="KEY", help="Say which file gave this setting.")
@json_option
@pass_context
def show_(context: Context, why: str | None, *, as_json: bool) -> None:
    """Show the settings in force."""
    if why:
        found = explain(context.profile, why)
        show({"why": found}, found, as_json=as_json)
        return
    settings = msgspec.to_builtins(load(context.profile).config)
    show(settings, _lines(settings), as_json=as_json)


def _lines(settings: object, prefix: str = "") -> str:
    if isinstance(settings, dict):
        return "\n".join(_lines(value, f"{prefix}.{key}" if prefix else str(key)) for key, value in settings.items())
    return f"{prefix} = {settings!r}"
