"""Enrolment by mail: which step of it a letter is, inside of the pack that carries all mail alike."""

# letter = "NMRE" | 1 | step(1) | sealed           a container among others, so that nobody who carries mails, or keeps
#                                                  them, can tell a newcomer's from those of members, nor its size
# step   1 request   newcomer → hub   sealed as for POST /enrol
#        2 answer    hub → newcomer   its answer
#        3 confirm   newcomer → hub   sealed as for POST /enrol/confirm
#        4 done      hub → newcomer   an answer whose text is a Done
#        5 refused   hub → newcomer   an answer whose text is a Refused; only for who knows the invite's secret
#
# The step is only a hint. What a request is for its MAC says, and what an answer is its signed text.

from enum import IntEnum

from agent.wire.enrolment import ANSWER_BYTES, REQUEST_BYTES, EnrolRefused

MAGIC = b"NMRE\x01"
HEAD_BYTES = len(MAGIC) + 1


class Step(IntEnum):
    """What a letter is."""

    REQUEST = 1
    ANSWER = 2
    CONFIRM = 3
    DONE = 4
    REFUSED = 5


def is_enrol_letter(container: bytes) -> bool:
    """Whether a container is about enrolment and not for the router."""
    return container.startswith(MAGIC)


def write_enrol_letter(step: Step, sealed: bytes) -> bytes:
    """Return the container that carries one step."""
    return MAGIC + bytes([step]) + sealed


def read_enrol_letter(container: bytes) -> tuple[Step, bytes]:
    """Return the step and what is sealed; raises EnrolRefused("size" | "enrol-unreadable")."""
    if not is_enrol_letter(container) or len(container) < HEAD_BYTES:
        raise EnrolRefused("enrol-unreadable")
    try:
        step = Step(container[len(MAGIC)])
    except ValueError:
        raise EnrolRefused("enrol-unreadable", "no step that we know") from None
    most = REQUEST_BYTES if step in {Step.REQUEST, Step.CONFIRM} else ANSWER_BYTES
    if len(container) - HEAD_BYTES > most:
        raise EnrolRefused("size")
    return step, container[HEAD_BYTES:]
