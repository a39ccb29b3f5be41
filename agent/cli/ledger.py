"""`nmr ledger`: the list of members: look at it, verify it, hand it on, end a split."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli.hub_output import when
from agent.cli.output import Context, json_option, pass_context, show, table
from agent.domain.errors import NmrError
from agent.system.control import connect

if TYPE_CHECKING:
    from agent.station.ledger.store import Stored


@click.group()
def ledger() -> None:
    """Look at the list of members, verify it, hand it on."""


@ledger.command("show")
@json_option
@pass_context
def show_(context: Context, *, as_json: bool) -> None:
    """List the members with roles, key fingerprint, mail address and when they joined and were last seen."""
    from agent.station.ledger.store import check, load, members

    stored = load(context.profile)
    seen, state = _seen(context)
    walked = check(stored)
    listed = [{**member, "live": False, **seen.get(str(member["station"]), {})} for member in members(stored)]
    found = {
        "site": stored.site,
        "seq": walked.ledger.seq,
        "head": walked.ledger.head.hex(),
        "signed_ms": walked.head.at if walked.head else None,
        "state": "wrong" if walked.wrong else state,
        "members": listed,
    }
    heads = ["station", "person", "roles", "state", "member since", "last seen", "fingerprint of the key", "mail"]
    signed = f", signed by the hub {when(walked.head.at)}" if walked.head else ""
    text = f"site {stored.site}, entry {walked.ledger.seq}{signed}"
    wrong = "\nNOT WHOLE: run nmr ledger verify" if walked.wrong else ""
    show(found, f"{text}{wrong}\n\n{table([heads, *map(_row, listed)])}", as_json=as_json)


@ledger.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@json_option
@pass_context
def verify(context: Context, file: Path | None, *, as_json: bool) -> int:
    """Walk the whole chain, here or in FILE; 0 if it is whole, 1 if not, 2 if it cannot be read."""
    from agent.station.ledger.store import check, check_file, cure, load

    walked = check_file(file, _own(context)) if file else check(load(context.profile))
    good, wrong = walked.ledger, walked.wrong
    found: dict[str, Any] = {"ok": wrong is None, "entries": good.seq, "head": good.head.hex()}
    if wrong is None:
        signed = f", and the hub signed entry {walked.head.seq} {when(walked.head.at)}" if walked.head else ""
        show(found, f"whole: {good.seq} entries{signed}\nhash of the last: {good.head.hex()}", as_json=as_json)
        return 0
    found |= {"wrong": {"entry": wrong.seq, "code": wrong.code, "why": wrong.why, "cure": cure(wrong, file=bool(file))}}
    text = f"NOT WHOLE: entry {wrong.seq} ({wrong.code}): {wrong.why}\n{found['wrong']['cure']}"
    show(found, text, as_json=as_json)
    return 1


@ledger.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@json_option
@pass_context
def export(context: Context, file: Path, *, as_json: bool) -> None:
    """Write every entry as it was signed to FILE, so that others can verify it without us."""
    from agent.station.ledger.store import export, load

    entries = export(load(context.profile), file)
    show({"file": str(file), "entries": entries}, f"{entries} entries written to {file}", as_json=as_json)


@ledger.command()
@pass_context
def resolve(context: Context) -> None:
    """End the alarm of a split list, once the hub's signed word since then says that ours is the right one."""
    with connect(context.profile) as line:
        line.request("ledger.resolve")
    show({}, "resolved: the members are as the hub says", as_json=False)


def _own(context: Context) -> "Stored | None":
    """What lies here, to compare with; none for somebody who only verifies."""
    from agent.station.ledger.store import load

    with suppress(NmrError):
        return load(context.profile)
    return None


def _seen(context: Context) -> tuple[dict[str, dict[str, Any]], str]:
    """What the running agent knows: who is there and was last seen when, and how the list stands."""
    with suppress(NmrError), connect(context.profile) as line:
        found = line.request("members")
        seen = {one["station"]: {"live": one["live"], "seen_ms": one["seen_ms"]} for one in found["members"]}
        return seen, str(found["ledger"]["state"])
    return {}, "unknown"


def _row(one: dict[str, Any]) -> list[str]:
    state = "removed" if one["revoked"] else "live" if one["live"] else "-"
    last = "now" if one["live"] else when(one["seen_ms"])
    roles = ",".join(one["roles"])
    return [one["station"], one["person"], roles, state, when(one["since_ms"]), last, one["fingerprint"], one["mail"]]
