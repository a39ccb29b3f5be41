"""What the negotiation with one station does in each phase about each event: its whole law, as data."""

from enum import Enum

from agent.domain.signals import SignalAnswer, SignalBye, SignalIce, SignalOffer
from agent.links.p2p.events import (
    Described,
    Failed,
    Gone,
    Heard,
    Opened,
    SignalingDown,
    SignalingUp,
    Stopped,
    Tick,
    Unwanted,
    Wanted,
)


class Phase(Enum):
    """Where the attempt to open a channel is."""

    IDLE = "there is none"
    WAITING = "one will be made after a delay"
    KNOCKING = "asking whether the peer is there"
    MAKING = "our offer is being made"
    CALLING = "our offer is out"
    TAKING = "our answer is being made"
    LINKING = "the channel is being opened and proven"


# A deed is a method of Negotiation. Signals stand for themselves, whatever brought them.
#               idle      waiting   knocking  making     calling   taking        linking
_ROWS = {
    Wanted:        "want      hurry     note_want note_want  note_want note_want     note_want",
    Unwanted:      "unwant    unwant    unwant    unwant     unwant    unwant        unwant",
    SignalingUp:   "up        up        note_up   note_up    note_up   note_up       note_up",
    SignalingDown: "note_down note_down fail_down fail_down  fail_down fail_down     note_down",
    Gone:          "nothing   nothing   nobody    nobody     nobody    nothing       bounced",
    SignalOffer:   "take      take      take      glare      glare     take_if_newer take_if_newer",
    SignalAnswer:  "unasked   unasked   unasked   unasked    answered  unasked       unasked",
    SignalIce:     "too_late  too_late  too_late  too_late   too_late  found         found",
    SignalBye:     "bye       bye       bye       bye        bye       bye           bye",
    Described:     "stray     stray     stray     call       stray     answer        stray",
    Opened:        "stray     stray     stray     stray      stray     stray         opened",
    Heard:         "heard     heard     heard     heard      heard     heard         heard",
    Failed:        "failed    failed    failed    failed     failed    failed        failed",
    Tick:          "tick      tick      tick      tick       tick      tick          tick",
    Stopped:       "stop      stop      stop      stop       stop      stop          stop",
}  # fmt: skip

TABLE: dict[tuple[Phase, type], str] = {
    (phase, event): deed for event, row in _ROWS.items() for phase, deed in zip(Phase, row.split(), strict=True)
}
"""The deed for each phase and kind of event; there is one for all."""
