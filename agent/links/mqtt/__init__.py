"""The MQTT link on paho."""

import sys


def _load_paho() -> None:
    """Import paho without dnspython.

    paho takes it where it is, for SRV records we never ask for. aiortc brings it, and it would cost every start of the
    agent about a quarter of its time budget and some MiB.
    """
    if "dns.resolver" in sys.modules:
        return
    sys.modules["dns.resolver"] = None  # type: ignore[assignment] # this is how Python is told that there is none
    try:
        import paho.mqtt.client  # noqa: F401 - the others find it loaded
    finally:
        del sys.modules["dns.resolver"]


_load_paho()
