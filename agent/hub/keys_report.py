"""What IT reads about the stations' keys: how old each is, who has shown its, and who came with a wrong one; pure."""

from typing import Any

from agent.domain.ledger import Ledger
from agent.hub.account import StationAccount
from agent.hub.proofs import Proof, Proofs

DUE_PERCENT = 80
"""From this part of a key's life on its station renews it."""

STATES = {
    "fresh": "fresh",
    "due": "due for renewal",
    "expired": "expired: it renews itself when the station comes",
    "never-proven": "never proven",
    "awaited": "replaced: waits for nmr enrol on that computer",
    "replaced": "came with an older key than ours",
    "restored": "came with a newer key than ours",
    "unknown": "came with a key that is none of ours",
    "invalid": "came with a wrong key",
    "invalid-backup": "came with a wrong backup key",
}
"""Every state of a station's keys, in words for IT."""

_ADVICE = {
    "replaced": "Its disk may be an old copy. Make it new keys: nmr hub psk replace {station}",
    "restored": "The hub may run on an old copy. Make it new keys: nmr hub psk replace {station}",
}
_OTHER_ADVICE = (
    "If nobody there did anything, show it out: nmr hub revoke {station}; else: nmr hub psk replace {station}"
)


def report(proofs: Proofs, ledger: Ledger, now_ms: int) -> list[dict[str, Any]]:
    """Return one row for each member with keys, by name; see office for its fields."""
    members = sorted(member.station for member in ledger.active())
    return [_row(proofs, station, now_ms) for station in members if station in proofs.accounts]


def alarms(proofs: Proofs, ledger: Ledger) -> list[str]:
    """Return a sentence for each member that came with a wrong key and has not proven itself since."""
    members = sorted(member.station for member in ledger.active())
    return [_alarm(proofs.proofs[station]) for station in members if _refused(proofs, station)]


def _row(proofs: Proofs, station: str, now_ms: int) -> dict[str, Any]:
    account, proof = proofs.accounts[station], proofs.proofs.get(station, Proof(station=station))
    bundle, pending = account.current, account.pending
    gone = gone_percent(account, now_ms)
    return {
        "station": station,
        "gen": bundle.gen,
        "not_after_ms": bundle.not_after,
        "gone_percent": gone,
        "pending_gen": None if pending is None else pending.gen,
        "proven_ms": proof.at or None,
        "until_ms": proof.until if proof.until > now_ms else None,
        "state": _state(proof, gone, expired=now_ms >= bundle.not_after),
        "passed_over": proofs.passed_over.get(station, 0),
    }


def gone_percent(account: StationAccount, now_ms: int) -> int:
    """Return how much of the life of a station's key is over, 0 to 100."""
    bundle = account.current
    left = max(0, bundle.not_after - now_ms)
    return 100 - min(100, -(-100 * left // max(1, bundle.life_ms)))


def _state(proof: Proof, gone: int, *, expired: bool) -> str:
    if proof.refused:
        return proof.refused
    if proof.awaited:
        return "awaited"
    if expired:
        return "expired"
    if not proof.at:
        return "never-proven"
    return "due" if gone >= DUE_PERCENT else "fresh"


def _refused(proofs: Proofs, station: str) -> bool:
    return station in proofs.proofs and bool(proofs.proofs[station].refused)


def _alarm(proof: Proof) -> str:
    advice = _ADVICE.get(proof.refused, _OTHER_ADVICE).format(station=proof.station)
    return f"{proof.station} {STATES[proof.refused]}. {advice}"
