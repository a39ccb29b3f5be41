"""How the station is, as lines of a name, a value and a mark."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.ui.texts import Texts
    from agent.ui.window.model.ladder import Mark, Tone
    from agent.ui.window.model.shapes import Link, Member, Peer, Proof, Status

LINKS: dict[str, tuple[Mark, Tone]] = {
    "up": ("full", "good"),
    "connecting": ("hollow", "warn"),
    "proving": ("hollow", "warn"),
    "down": ("bad", "bad"),
    "refused": ("bad", "bad"),
    "off": ("none", "quiet"),
}
PEERS: dict[str, tuple[Mark, Tone]] = {
    "open": ("full", "good"),
    "suspect": ("hollow", "warn"),
    "connecting": ("hollow", "quiet"),
}
PARTS = ("tray", "notifier", "sound", "storage")
WEAK = "weak"
MISSING = ("", "silent", "off", "none", "down", "missing", "broken")
"""What a part says of itself when nobody sees, hears or finds anything again."""


class Fact(NamedTuple):
    """One line: a mark in a tone, a name, a value beside it, more below it and, below that, what is read least."""

    mark: Mark
    tone: Tone
    name: str
    value: str
    more: str = ""
    last: str = ""


def link_facts(status: Status, texts: Texts, clock: Callable[[int], str]) -> tuple[Fact, ...]:
    """One line for each link: its state, since when, the time to the other side and back; then the direct ways."""
    links = tuple(_link(link, texts, clock) for link in status.get("links", ()))
    return (*links, *(_peer(peer, texts) for peer in status.get("peers", ()) if peer.get("state") != "away"))


def _peer(peer: Peer, texts: Texts) -> Fact:
    mark, tone = PEERS.get(peer.get("state", ""), ("none", "quiet"))
    key, rtt = peer.get("state", ""), peer.get("rtt_ms")
    state = texts(f"peer-state.{peer.get('route') if key == 'open' else key}")
    return Fact(mark, tone, f"→ {peer.get('station', '')}", state if rtt is None else f"{state}, {_ms(rtt, texts)}")


def _ms(rtt: float, texts: Texts) -> str:
    return texts("status.rtt", ms=round(rtt) if rtt >= 10 else round(rtt, 1))  # noqa: PLR2004 - two digits are enough


def _link(link: Link, texts: Texts, clock: Callable[[int], str]) -> Fact:
    name, state = link.get("name", ""), link.get("state", "down")
    mark, tone = LINKS.get(state, ("none", "quiet"))
    value = texts(f"link-state.{state}") if texts.has(f"link-state.{state}") else state
    rtt, since = link.get("rtt_ms"), link.get("since_ms")
    more = [texts("status.since", time=clock(since)) if since else "", link.get("detail", "")]
    if rtt is not None and state == "up":
        value = f"{value}, {_ms(rtt, texts)}"
    name = texts(f"link.{name}") if texts.has(f"link.{name}") else name
    return Fact(mark, tone, name, value, " · ".join(filter(None, more)))


def part_facts(status: Status, texts: Texts, clock: Callable[[int], str]) -> tuple[Fact, ...]:
    """One line for the hub and for each part a page needs to be seen and heard."""
    hub = status.get("hub", {})
    state, seen = hub.get("state", ""), hub.get("seen_ms")
    mark, tone = LINKS.get(state, ("full", "good") if state not in MISSING else ("bad", "bad"))
    value = texts(f"hub-state.{state}") if texts.has(f"hub-state.{state}") else state or texts("link-state.down")
    more = [texts("status.seen", time=clock(seen)) if seen else "", _proven(status.get("proof", {}), texts, clock)]
    line = Fact(mark, tone, texts("status.hub"), value, " · ".join(filter(None, more)))
    return (line, *(_part(name, status, texts) for name in PARTS))


def _proven(proof: Proof, texts: Texts, clock: Callable[[int], str]) -> str:
    """When the hub last proved that it holds our key."""
    at = proof.get("proven_ms")
    if not at:
        return ""
    return texts("status.proven" if proof.get("state") == "proven" else "status.last-proven", time=clock(at))


def notices(status: Status) -> tuple[str, ...]:
    """What needs attention: the connection's notice first."""
    notice = status.get("proof", {}).get("notice", "")
    return (*((notice,) if notice else ()), *status.get("notices", ()))


def _part(name: str, status: Status, texts: Texts) -> Fact:
    value = str(status.get(name) or "")
    first = value.split(maxsplit=1)[0].rstrip(":,") if value else ""
    fine = first not in MISSING
    shown = texts(f"part.{value}") if texts.has(f"part.{value}") else value or texts("part.none")
    looks: tuple[Mark, Tone] = ("full", "good") if fine else ("bad", "bad")
    if first == WEAK:
        looks = ("hollow", "warn")
    return Fact(*looks, texts(f"status.{name}"), shown)


def station_facts(status: Status, texts: Texts) -> tuple[Fact, ...]:
    """Who and where this station is."""
    values = {
        "name": status.get("station", ""),
        "person": status.get("person", ""),
        "roles": ", ".join(status.get("roles", ())),
        "site": status.get("site", ""),
        "version": status.get("version", ""),
    }
    return tuple(Fact("none", "quiet", texts(f"status.{key}"), value) for key, value in values.items() if value)


def member_fact(member: Member, texts: Texts, clock: Callable[[int], str]) -> Fact:
    """One line for a station of the site: who sits there, in which roles, whether it is live, and the
    fingerprint of its key.
    """
    person, station, seen = member.get("person", ""), member.get("station", ""), member.get("seen_ms")
    more = " · ".join([station if person else "", *member.get("roles", ())]).strip(" ·")
    name, key = person or station, member.get("fingerprint", "")
    if member.get("revoked"):
        return Fact("bad", "bad", name, texts("status.revoked"), more, key)
    if member.get("self"):
        return Fact("full", "good", name, texts("status.self"), more, key)
    if member.get("live"):
        return Fact("full", "good", name, texts("status.live"), more, key)
    value = texts("status.seen", time=clock(seen)) if seen else texts("status.never")
    return Fact("hollow", "quiet", name, value, more, key)
