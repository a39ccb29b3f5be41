"""TEXTS: what programs say to each other over agent.p2p_api; no core ever sees one."""

from typing import Annotated

from msgspec import Meta

from agent.domain.envelope import Id
from agent.domain.messages import Parameters

PART_TEXT = 14_400
"""The longest part, in characters: 10800 bytes of the text, with room for the envelope around it."""


class Text(Parameters, frozen=True, kw_only=True):
    """A text, or with `more` a part of one that goes on in the next message; `part` is base64url of its UTF-8.

    `seat` names one run of the sending program and `n` counts its messages to this recipient from 1. None may be
    missing between two of them, unless the later one is the `first` after something went wrong.
    """

    seat: Id
    n: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    first: bool
    more: bool
    part: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]*\Z", max_length=PART_TEXT)]


TEXTS: dict[str, type[Parameters]] = {"text": Text}
"""Every type of them; a text travels on the peer-to-peer link only."""
