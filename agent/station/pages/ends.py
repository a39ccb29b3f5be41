"""Answers and withdrawals that overtook their page: remembered, so that the page stays silent when it comes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agent.domain.effects import Effect, Keep
from agent.domain.envelope import Envelope
from agent.domain.names import HUB
from agent.domain.page import InPage

MOST = 1000
"""So many are remembered; only messages under way at this moment can need one."""

ANSWERED, WITHDRAWN = "answered", "withdrawn"


@dataclass(frozen=True, slots=True)
class End:
    """What `sender` said of a page that we do not have; it counts until `until`, ms UTC, as the page itself may."""

    page: str
    sender: str
    why: str
    until: int


class Ends:
    """All of them, by page and sender, oldest first. Whether one counts is known when its page comes."""

    def __init__(self, kept: Mapping[str, End]) -> None:
        self._ends = dict(sorted(kept.items(), key=lambda item: item[1].until))

    def __len__(self) -> int:
        return len(self._ends)

    def add(self, envelope: Envelope, why: str) -> list[Effect]:
        """Remember an end; forget what is over or too much."""
        if envelope.re is None:
            return []
        end = End(envelope.re, envelope.sender, why, envelope.exp)
        key = f"{end.page} {end.sender}"
        self._ends[key] = end
        old = [key for key, one in self._ends.items() if one.until < envelope.at]
        old += [key for key in list(self._ends)[: max(0, len(self._ends) - MOST)] if key not in old]
        for gone in old:
            del self._ends[gone]
        return [Keep("end", key, end), *(Keep("end", gone, None) for gone in old)]

    def of(self, page: InPage, may_answer: Callable[[InPage, str], bool]) -> str:
        """Return why a page was over before it came, or ""; a stranger neither answers nor withdraws."""
        for end in self._ends.values():
            if end.page != page.id:
                continue
            if end.why == WITHDRAWN and end.sender in (page.sender, HUB):
                return WITHDRAWN
            if end.why == ANSWERED and may_answer(page, end.sender):
                return ANSWERED
        return ""
