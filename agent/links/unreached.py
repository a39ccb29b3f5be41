"""Why a server cannot be reached, in words for a person."""

import socket
import ssl

Address = tuple[str, int]
"""Host and port."""


def unreached(error: Exception, address: Address, server: str) -> str:
    """Say why there is no connection; `server` is what should run there, such as "broker"."""
    host, port = address
    match error:
        case socket.gaierror():
            return f"the name {host} is not known"
        case ssl.SSLCertVerificationError():
            return f"the certificate of {host} is not trusted: {error.verify_message}"
        case TimeoutError():
            return f"{host}:{port} does not answer"
        case ConnectionRefusedError():
            return f"no {server} runs at {host}:{port}"
    return f"{host}:{port}: {str(error) or type(error).__name__}"
