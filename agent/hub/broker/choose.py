"""Which broker a site keeps."""

import sys

from agent.domain.errors import BadConfiguration
from agent.hub.broker.base import Broker, BrokerPlace
from agent.hub.broker.tls import SiteTls


def choose_broker(kind: str, site: str, place: BrokerPlace, tls: SiteTls, *, program: str = "") -> Broker:
    """The keeper for `kind`: `nats` (embedded, the default everywhere) or `mosquitto`; at `program`, or found.

    Raises BadConfiguration for any other kind, and for Mosquitto on Windows.
    """
    match kind:
        case "nats":
            from agent.hub.broker.nats import NatsBroker

            return NatsBroker(site, place, tls, program=program)
        case "mosquitto" if sys.platform == "win32":
            raise BadConfiguration(
                "Mosquitto cannot be kept on Windows",
                "Set broker.kind to nats; a Mosquitto on Windows is run by IT itself",
                field="kind",
            )
        case "mosquitto":
            from agent.hub.broker.mosquitto import MosquittoBroker

            return MosquittoBroker(site, place, tls, program=program)
    raise BadConfiguration("There is no such broker", f"broker.kind is {kind!r}; use nats or mosquitto", field="kind")
