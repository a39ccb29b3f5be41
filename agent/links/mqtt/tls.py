"""TLS towards the site's broker: its own authority and no other, and the name on the certificate is checked."""

import socket
import ssl
from typing import Any

from agent.links.base import LinkRefused


class SiteContext(ssl.SSLContext):
    """Shakes hands while wrapping: paho does it afterwards and leaves the socket open when it fails."""

    def wrap_socket(self, sock: socket.socket, *args: Any, **settings: Any) -> ssl.SSLSocket:
        """Return the encrypted socket; on failure `sock` is closed and OSError raised."""
        settings["do_handshake_on_connect"] = True
        return super().wrap_socket(sock, *args, **settings)


def site_context(ca_pem: bytes) -> ssl.SSLContext:
    """Trust only `ca_pem`, never the store of the operating system; raises LinkRefused if it is no certificate."""
    context = SiteContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cadata=ca_pem.decode("ascii"))
    except (ssl.SSLError, UnicodeDecodeError) as error:
        raise LinkRefused("the certificate of the site cannot be read: enrol this station again") from error
    return context
