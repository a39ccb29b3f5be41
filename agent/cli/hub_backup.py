"""`nmr hub backup | restore | settle`: put a site's hub away while it runs, and bring it back."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from agent.cli.output import Context, json_option, pass_context, show
from agent.domain.errors import BadInput

FILE = click.Path(path_type=Path, dir_okay=False)

passphrase_option = click.option(
    "--passphrase-file", type=FILE, help="Read the passphrase from this file (its first line; nobody else may read it)."
)


@click.command()
@click.argument("file", type=FILE)
@passphrase_option
@json_option
@pass_context
def backup(context: Context, file: Path, passphrase_file: Path | None, *, as_json: bool) -> None:
    """Write everything of the hub, which may go on running, into one encrypted FILE."""
    from agent.hub.backup import back_up

    made = back_up(context.profile, file, _passphrase(passphrase_file, twice=True))
    text = (
        f"{file} holds site {made['site']}: {made['stations']} stations, {made['orders']} orders, "
        f"{made['entries']} entries of the list of members; {made['bytes'] // 1024} KiB, read again and found good"
    )
    show(made, text, as_json=as_json)


@click.command()
@click.argument("file", type=FILE)
@click.option("--replace", is_flag=True, help="Take the place of the hub that is there; that is kept beside.")
@passphrase_option
@json_option
@pass_context
def restore(context: Context, file: Path, *, replace: bool, passphrase_file: Path | None, as_json: bool) -> None:
    """Bring a hub back from FILE; it must not be running."""
    from agent.hub.restore import restore as bring_back

    found = bring_back(context.profile, file, _passphrase(passphrase_file), take_place=replace)
    made = datetime.fromtimestamp(found.made_ms / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    lines = [
        f"site {found.site} is back as it was on {made}: {found.counts['stations']} stations",
        *([f"the hub that was here is kept in {found.set_aside}"] if found.set_aside else []),
        *found.told,
        "next: start it (nmr hub run, or the service) and look at: nmr hub status",
        "all older invites are closed; stations give back by themselves what the hub published since the backup",
    ]
    show(found.to_wire(), "\n".join(lines), as_json=as_json)


@click.command()
@pass_context
def settle(context: Context) -> None:
    """Let a restored hub go on without the stations not heard, or end a split: the hub's list is right."""
    from agent.hub.ask import ask_hub

    ask_hub(context.profile, "hub.settle")


def _passphrase(file: Path | None, *, twice: bool = False) -> str:
    """Return what stands in the file, or is typed; raises BadInput."""
    if file is None:
        if not sys.stdin.isatty():
            raise BadInput("There is no passphrase", "Give it with: --passphrase-file FILE", field="passphrase")
        typed: str = click.prompt("Passphrase", hide_input=True, confirmation_prompt=twice, err=True)
        return typed
    from agent.system.files import read_private

    data = read_private(file, 4096)
    try:
        lines = (data or b"").decode().splitlines()
    except UnicodeDecodeError:
        lines = []
    if not lines or not lines[0]:
        raise BadInput("There is no passphrase", f"{file} is missing, empty or no text", field="passphrase")
    return lines[0]
