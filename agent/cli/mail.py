"""`nmr mail`: set up the mailbox over which a station or the hub is reached, try it, take it away again."""

import json
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from agent.cli.output import Context, F, json_option, pass_context, show
from agent.domain.errors import NmrError

if TYPE_CHECKING:
    from agent.cli.mail_login import Account
    from agent.links.mail.trial import Step

LATER = "It takes effect after the next start"
AUTHS = ("password", "microsoft", "google")
EXIT_CODES = {"": 0, "refused": 77, "away": 69, "arrive": 75}
"""Of what went wrong; everything else is 1."""


def _hub_option(command: F) -> F:
    return click.option("--hub", is_flag=True, help="The hub's mailbox, not the station's.")(command)


@click.group()
def mail() -> None:
    """Set up the mailbox, try it, take it away again."""


@mail.command()
@_hub_option
@click.option("--address", help="The mailbox's address; the others on the site learn it.")
@click.option("--user", help="The name to log in with, if it is not the address.")
@click.option("--imap", metavar="HOST:PORT", help="Where mail is read; found out for most providers.")
@click.option("--smtp", metavar="HOST:PORT", help="Where mail is sent; found out for most providers.")
@click.option("--folder", help="The folder our mails arrive in, if it is not the inbox.")
@click.option("--plus/--no-plus", default=None, help="Whether local+anything@host comes to this mailbox, too.")
@click.option("--auth", type=click.Choice(AUTHS), help="A password, or the sign-in of a provider.")
@click.option("--tenant", help="Microsoft: the organisation's domain.")
@click.option("--client-id", help="Number of this program at the provider, from IT.")
@click.option("--client-secret", default="", help="Google: what came with that number.")
@click.option("--ca-file", help="Certificates to trust at these servers instead of the system's.")
@click.option("--password-stdin", is_flag=True, help="Read the password from the standard input.")
@click.option("--untried", is_flag=True, help="Keep it without logging in.")
@json_option
@pass_context
def login(
    context: Context,
    /,
    *,
    hub: bool,
    client_secret: str,
    password_stdin: bool,
    untried: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Log in to a mailbox and keep what opens it, sealed.

    Asks for what no option says. The servers are tried before anything is kept.
    """
    from agent.cli.mail_login import secret_from, tried, wanted_from

    account = _account(context, hub=hub)
    account.key()  # whoever has no place for a secret should not have to type one
    wanted = wanted_from(account, given)
    secret = secret_from(wanted, from_stdin=password_stdin, client_secret=client_secret)
    steps: list[Step] = []

    def said(step: "Step") -> None:
        steps.append(step)
        if not as_json:
            print(_line(step))

    if not untried:
        secret = tried(wanted, secret, said)
    notes = account.keep(wanted, secret)
    if not hub:
        _tell_agent(context)
    kept = {"address": wanted.address, "imap": wanted.imap, "smtp": wanted.smtp, "auth": wanted.auth}
    text = f"{wanted.address}: kept ({account.file}). {LATER}; try it now: nmr mail test{' --hub' * hub}"
    show(
        {**kept, "file": str(account.file), "steps": [step.to_wire() for step in steps], "notes": notes},
        "\n".join([text, *notes]),
        as_json=as_json,
    )


@mail.command()
@_hub_option
@click.option("--patience", type=click.FloatRange(1, 3600), default=60.0, help="Seconds the mail may take.")
@json_option
@pass_context
def test(context: Context, *, hub: bool, patience: float, as_json: bool) -> int:
    """Log in, send a mail to ourselves, wait until it is there, and say how long each step took.

    Ends with 0 if all went well, 77 if a server does not let us in, 69 if one cannot be reached, 75 if the mail did
    not come in time.
    """
    from agent.cli.mail_login import NOBODY
    from agent.links.mail.configured import configured
    from agent.links.mail.trial import Trial
    from agent.wire.keys import Identity

    account = _account(context, hub=hub)
    settings, token = configured(account.settings, account.folder, Identity.new(*NOBODY))
    steps = []
    for step in Trial(settings, token, patience).whole():
        steps.append(step)
        if not as_json:
            print(_line(step), flush=True)
    failed = next((step for step in steps if not step.ok), None)
    if as_json:
        found = {"ok": failed is None, "address": settings.address, "steps": [step.to_wire() for step in steps]}
        print(json.dumps(found, ensure_ascii=False))
    if failed is None and not account.settings.enabled:
        print(f"nmr: the link is switched off: nmr config set {account.table}.enabled true", file=sys.stderr)
    return 0 if failed is None else EXIT_CODES.get(failed.fault, 1)


@mail.command()
@_hub_option
@json_option
@pass_context
def logout(context: Context, *, hub: bool, as_json: bool) -> None:
    """Switch the link off and remove what opens the mailbox; the mails in it stay."""
    from agent.system.mail_secret import forget_mail_secret

    account = _account(context, hub=hub)
    note = account.switch_off()
    forget_mail_secret(account.folder)
    if not hub:
        _tell_agent(context)
    show({"file": str(account.file), "note": note}, "\n".join(filter(None, [f"Gone. {LATER}", note])), as_json=as_json)


def _account(context: Context, *, hub: bool) -> "Account":
    from agent.cli.mail_login import Account
    from agent.system.config.load import load, look_at_hub

    place = context.profile
    if hub:
        return Account("hub.mail", look_at_hub(place), place.hub_folder, place.hub_config_file)
    return Account("link.mail", load(place), place.secrets_folder, place.config_file)


def _line(step: "Step") -> str:
    """A step for people: what, how long, and under it what to do if it failed."""
    head = f"{'ok' if step.ok else 'FAILED':<7} {step.name:<11} {step.ms:>8.1f} ms   {step.detail}"
    return head if step.ok else f"{head}\n{'':<8}→ {step.cure}"


def _tell_agent(context: Context) -> None:
    """Let an agent that runs look at its settings now, not within 30 seconds."""
    from agent.system.control import connect

    with suppress(NmrError), connect(context.profile) as line:
        line.request("settings.reload")
