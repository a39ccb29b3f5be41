"""Commands of a station: run it, look at it, page, answer, enrol."""

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from agent.cli.output import Context, json_option, pass_context, show, table
from agent.domain.audience import parse_audience
from agent.domain.errors import NmrError
from agent.system.control import connect

if TYPE_CHECKING:
    from agent.station.enrolment.by_mail import ByMail

GOOD_ENDS = ("accepted",)


@click.command()
@pass_context
def run(context: Context) -> int:
    """Start the agent. A second one hands over to the first and ends."""
    from agent.station.run import run_agent

    return run_agent(context.profile)


@click.command()
@click.argument("show_first", metavar="[orders|new-order|pages|status|settings]", default="orders")
@pass_context
def window(context: Context, show_first: str) -> None:
    """Open the window of the running agent."""
    with connect(context.profile) as line:
        line.request("open", window=show_first)


@click.command()
@json_option
@pass_context
def status(context: Context, *, as_json: bool) -> None:
    """Say how the running agent is."""
    with connect(context.profile) as line:
        found = line.request("status")
    show(found, _status_text(found), as_json=as_json)


@click.command()
@click.argument("audience")
@click.option("--order", metavar="ID", help="The order it is about.")
@click.option("--note", default="", metavar="TEXT", help="A short note.")
@click.option("--urgent", is_flag=True, help="Ring at once on every link, in spite of Do not disturb.")
@click.option("--wait", is_flag=True, help="Wait until somebody answers; 0 only if somebody comes.")
@json_option
@pass_context
def page(
    context: Context, audience: str, order: str | None, note: str, *, urgent: bool, wait: bool, as_json: bool
) -> int:
    """Page AUDIENCE: role:kitchen, person:anna, station:desk-1 or all."""
    to = parse_audience(audience).to_wire()
    last: dict[str, Any] = {}
    with connect(context.profile) as line:
        if not wait:
            result = line.request("page", to=to, order=order, note=note, urgent=urgent)
            show(result, f"queued {result['page']}", as_json=as_json)
            return 0
        for event in line.follow("page", to=to, order=order, note=note, urgent=urgent, wait=True):
            last = event["page"]
            show(last, last["summary"], as_json=as_json)
            sys.stdout.flush()
    return 0 if last.get("state") in GOOD_ENDS else 1


@click.command()
@click.argument("page_id", metavar="PAGE")
@click.argument("answer", type=click.Choice(["accepted", "declined", "later"]))
@click.option("--text", default="", help="A few words of your own.")
@pass_context
def answer(context: Context, page_id: str, answer: str, text: str) -> None:
    """Answer a page that came to this station."""
    with connect(context.profile) as line:
        line.request("answer", page=page_id, answer=answer, text=text)


@click.command()
@click.argument("minutes", type=int)
@pass_context
def quiet(context: Context, minutes: int) -> None:
    """Do not disturb for so many minutes; 0 ends it."""
    with connect(context.profile) as line:
        line.request("dnd", minutes=minutes)


@click.command("quit")
@pass_context
def quit_(context: Context) -> None:
    """End the running agent."""
    with connect(context.profile) as line:
        line.request("quit")


@click.command()
@click.argument("invite")
@click.option("--hub", "hub_url", metavar="URL", help="The hub's address, where INVITE is a typed code.")
@click.option("--station", "wish", metavar="NAME", help="The station name you would like.")
@click.option("--by-mail", is_flag=True, help="Over the mailbox alone (nmr mail login first); INVITE must be a file.")
@json_option
@pass_context
def enrol(
    context: Context, invite: str, hub_url: str | None, wish: str | None, *, by_mail: bool, as_json: bool
) -> None:
    """Join a site with INVITE: a file, or the 25 characters IT read to you."""
    from agent.station.enrolment.enrol import enrol as join

    context.profile.create()
    mail = _own_mail(context, needed=by_mail)
    got = join(context.profile, invite, hub_url=hub_url, wish=wish, mail=mail, only_mail=by_mail)
    if mail is not None and mail.joined:
        from agent.station.enrolment.by_mail import use_mail

        for note in use_mail(context.profile, alone=by_mail):
            _aside(note)
    with suppress(NmrError), connect(context.profile) as line:  # an agent that runs goes on with the new keys
        line.request("retry")
    found = {"site": got.site, "station": got.station, "person": got.person}
    show(found, f"enrolled as {got.station} ({got.person}) at {got.site}", as_json=as_json)


def _own_mail(context: Context, *, needed: bool) -> "ByMail | None":
    """The way by mail, if there is a mailbox or one is asked for; what it says goes beside the result."""
    from agent.system.config.load import load

    settings = load(context.profile).config.link.mail
    if not (settings.enabled or needed):
        return None
    from agent.station.enrolment.by_mail import ByMail

    return ByMail(context.profile, settings, _aside)


def _aside(text: str) -> None:
    print(f"nmr: {text}", file=sys.stderr, flush=True)


def _way(peer: dict[str, Any]) -> str:
    rtt = "" if peer["rtt_ms"] is None else f"{peer['rtt_ms']} ms"
    return " ".join(filter(None, [peer["state"], peer["route"], rtt]))


def _status_text(found: dict[str, Any]) -> str:
    rows = [
        ["station", f"{found['station']} ({found['person']}, {', '.join(found['roles'])})"],
        ["site", found["site"]],
        ["state", found["state"]],
        *[[f"link {link['name']}", f"{link['state']} {link['detail']}".strip()] for link in found["links"]],
        *[[f"way to {peer['station']}", _way(peer)] for peer in found["peers"]],
        ["hub", found["hub"]["state"]],
        ["proof", found["proof"]["state"]],
        *([["connection", found["proof"]["notice"]]] if found["proof"]["notice"] else []),
        ["tray", found["tray"]],
        ["notices", found["notifier"]],
        ["sound", found["sound"]],
        ["storage", found["storage"]],
        ["unanswered", str(found["unanswered"])],
        *[["note", notice] for notice in found["notices"]],
    ]
    return table(rows)
