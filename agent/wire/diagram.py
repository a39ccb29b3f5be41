"""The page about proofs of keys, with a diagram of each machine drawn from its table."""

from collections.abc import Iterator

from agent.domain.messages import PARAMETERS
from agent.wire.acts import Table
from agent.wire.hello import hub as hello_hub
from agent.wire.hello import station as hello_station
from agent.wire.renewal import hub as renewal_hub
from agent.wire.renewal import station as renewal_station

MACHINES: dict[str, tuple[str, Table]] = {
    "The handshake, at the station": ("idle", hello_station.STATION),
    "The handshake, at the hub": ("closed", hello_hub.HUB),
    "The renewal, at the station": ("idle", renewal_station.STATION),
    "The renewal, at the hub": ("none", renewal_hub.HUB),
}
"""Each machine by its title: the phase in which it begins, and its table."""

_TYPES = {parameters: type_ for type_, parameters in PARAMETERS.items()}

_PAGE = """\
# Proof of keys

A station does nothing with a hub until that hub has proven that it holds the station's key, and the hub serves no
station that has not proven the same. Both hold a bundle: a key for every day (the PSK, good for 30 days) and a backup
that does nothing but renew it. No proof sends a key: each side sends a code that only a holder of the key can make,
over fresh random numbers of both sides, so that nothing recorded earlier can be used again.

**Handshake.** The station says which key it has (`auth.hello`), the hub proves that it has it too (`auth.proof`), the
station answers the hub's number (`auth.confirm`), and the hub lets it in (`auth.ok`). A station that hears nothing
says the same again after 5, 15 and 45 seconds and gives up after two minutes.

**Renewal.** The station makes new keys and offers them to the hub, encrypted under the backup (`psk.offer`). The hub
writes them beside the old ones and shows with the new key that it has (`psk.stored`); only then does the station
replace its file (`psk.use`), and only when the station has shown that does the hub let the old keys go. So the hub
accepts at every moment what the station has on its disk, whichever of them is switched off, and whatever is lost or
comes twice.

The machines below are drawn from the tables in `agent/wire`; what changes nothing in a phase is left out. The tests
walk through every state that both machines and the network between them can reach.
"""


def page() -> str:
    """Return the page as Markdown, ending in a newline."""
    drawn = (f"## {title}\n\n```mermaid\n{diagram(start, table)}\n```\n" for title, (start, table) in MACHINES.items())
    return "\n".join([_PAGE, *drawn])


def diagram(start: str, table: Table) -> str:
    """Return a Mermaid state diagram of a table, without the cells in which an event means nothing."""
    ways: dict[tuple[str, str], list[str]] = {}
    for phase, event, to in _ways(table):
        ways.setdefault((phase, to), []).append(event)
    arrows = (f"    {phase} --> {to}: {', '.join(events)}" for (phase, to), events in ways.items())
    return "\n".join(["stateDiagram-v2", f"    [*] --> {start}", *arrows])


def _ways(table: Table) -> Iterator[tuple[str, str, str]]:
    for (phase, event), row in table.items():
        if row.step.__doc__ != "It means nothing here.":
            yield from ((phase, _word(event), to) for to in dict.fromkeys(row.to))


def _word(event: type) -> str:
    """Return the name of a message on the wire, or of another event in small letters."""
    return _TYPES.get(event, event.__name__.lower())
