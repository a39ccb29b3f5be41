"""The way to the hub over the network: its requests over HTTPS, answered at once."""

from agent.station.enrolment.asking import Asking
from agent.station.enrolment.https import Place, confirm, post_request
from agent.wire.enrolment import Fresh, Welcome


class Network:
    """The way to a hub at `place`."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def welcome(self, asking: Asking, wish: str) -> Welcome:
        """See Way."""
        return asking.read(post_request(self._place, asking.card, asking.write(wish)), Welcome)

    def fresh(self, asking: Asking, station: str) -> Fresh:
        """See Way."""
        return asking.read(post_request(self._place, asking.card, asking.write(station)), Fresh)

    def confirm(self, asking: Asking, station: str) -> None:
        """See Way."""
        confirm(self._place, asking.card, asking.write(station, "confirm"))
