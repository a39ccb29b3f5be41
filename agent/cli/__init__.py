"""The command line: `nmr run | window | page | order | status | enrol | doctor | hub | config | demo` and more."""

import builtins
import json
import sys
from collections.abc import Sequence

import click

from agent import __version__
from agent.cli.output import Context
from agent.domain.errors import NmrError

COMMANDS = {
    "run": "agent.cli.station",
    "window": "agent.cli.station",
    "status": "agent.cli.station",
    "page": "agent.cli.station",
    "answer": "agent.cli.station",
    "quiet": "agent.cli.station",
    "quit": "agent.cli.station",
    "enrol": "agent.cli.station",
    "order": "agent.cli.orders",
    "task": "agent.cli.task",
    "doctor": "agent.cli.doctor",
    "health": "agent.cli.health",
    "bundle": "agent.cli.bundle",
    "config": "agent.cli.configuration",
    "p2p": "agent.cli.p2p",
    "mail": "agent.cli.mail",
    "ledger": "agent.cli.ledger",
    "hub": "agent.cli.hub",
    "demo": "agent.cli.demonstration",
}
"""Where each command stands; only the module of the one that is called is loaded."""


class Lazy(click.Group):
    """A group that loads a command's module when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the library's signature
        """Return the names for --help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """Load and return one command."""
        if cmd_name not in COMMANDS:
            return None
        from importlib import import_module

        module = import_module(COMMANDS[cmd_name])
        found = getattr(module, f"{cmd_name}_" if cmd_name in dir(builtins) else cmd_name)
        assert isinstance(found, click.Command)
        return found


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--profile", metavar="DIR", help="Keep everything of this station below DIR.")
@click.option("--set", "given", metavar="KEY=VALUE", multiple=True, help="Use this setting, for this run only.")
@click.version_option(__version__, prog_name="nmr")
@click.pass_context
def nmr(ctx: click.Context, profile: str | None, given: tuple[str, ...]) -> None:
    """Page colleagues instead of walking to them."""
    from agent.system.paths import Profile

    place = Profile.at(profile) if profile else Profile.default()
    if given:
        from agent.system.config.given import with_given

        place = with_given(place, given)
    ctx.obj = Context(place)


def run(arguments: Sequence[str]) -> int:
    """Run one command; returns 0 ok, 1 failed, 2 usage, 69 unavailable, 78 configuration."""
    try:
        result = nmr.main(list(arguments), prog_name="nmr", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except NmrError as error:
        if "--json" in arguments:
            print(json.dumps({"error": error.to_wire()}))
        else:
            print(f"nmr: {error}", file=sys.stderr)
        return error.exit_code
    return result if isinstance(result, int) else 0
