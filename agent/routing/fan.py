"""A link with a way of its own to each station: one lane for each, so that whoever is slow or gone holds up nobody."""

import asyncio
from collections.abc import Callable

from agent.links.base import WaySession
from agent.routing.lane import Lane, Took
from agent.routing.policy import LinkView


class Fan:
    """What a Lane is for other links; `lost` is told to which station a container did not get away."""

    def __init__(self, name: str, session: WaySession, took: Took, lost: Callable[[str], None]) -> None:
        self.name = name
        self._session, self._took, self._lost = session, took, lost
        self._lanes: dict[str, Lane] = {}

    @property
    def view(self) -> LinkView:
        """The link as the policy sees it."""
        return LinkView(self.name, ways=self._session.ways())

    def want(self, station: str) -> None:
        """Open a way to a station if there is none."""
        self._session.want(station)

    def put(self, id_: str, recipient: str, sealed: bytes, channel: str = "", step: str = "") -> None:
        """Queue a container for its recipient; one that waits already goes once."""
        lane = self._lanes.get(recipient)
        if lane is None:
            lane = self._lanes[recipient] = Lane(self.name, self._session, self._took, self._lost)
        lane.put(id_, recipient, sealed, channel, step)

    async def drained(self) -> None:
        """Wait until the link has taken everything that was put."""
        await asyncio.gather(*(lane.drained() for lane in self._lanes.values()))

    def close(self) -> None:
        """Drop what waits; its rows stay open and go over another link or the next session."""
        for lane in self._lanes.values():
            lane.close()
