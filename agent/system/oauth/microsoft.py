"""Microsoft 365: a person signs in with a code on any device, such as a telephone, and this one gets the mailbox."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import json

from agent.domain.errors import BadInput
from agent.system.oauth.tokens import Kept, Place, ProviderAway, needs_extra, refused

SCOPES = ("https://outlook.office.com/IMAP.AccessAsUser.All", "https://outlook.office.com/SMTP.Send")
LOGIN_SERVER = "https://login.microsoftonline.com"
ANY_ORGANISATION = "organizations"


def authority_of(tenant: str) -> str:
    """Where an organisation signs in; "" asks which one it is."""
    return f"{LOGIN_SERVER}/{tenant or ANY_ORGANISATION}"


def place_of(client_id: str, authority: str) -> Place:
    """Where tokens are renewed; whoever asks for offline_access gets a refresh token again."""
    return Place(f"{authority}/oauth2/v2.0/token", client_id, " ".join((*SCOPES, "offline_access")))


def sign_in(
    client_id: str, authority: str, show: Callable[[str], None], *, ca_file: str = "", discover: bool = True
) -> str:
    """Let a person sign in, who reads what `show` is given; returns what is to be kept. Takes up to 15 minutes.

    `ca_file` and `discover` are for a token server that is not Microsoft's. Raises NmrError.
    """
    try:
        import msal
    except ImportError:
        raise needs_extra("msal") from None
    if not client_id:
        raise BadInput(
            "The number of this program at Microsoft is missing",
            "IT registers it once, see docs/mail.md; then: nmr mail login --client-id NUMBER",
            field="client_id",
        )
    try:
        app = msal.PublicClientApplication(
            client_id, authority=authority, instance_discovery=None if discover else False, verify=ca_file or True
        )
        flow = app.initiate_device_flow(scopes=list(SCOPES))
        if "user_code" not in flow:
            raise refused(_reason(flow))
        show(str(flow["message"]))
        return _kept(app.acquire_token_by_device_flow(flow))
    except (OSError, ValueError) as error:  # requests' errors are OSErrors; a wrong tenant is a ValueError
        raise ProviderAway("Microsoft cannot be reached", f"{type(error).__name__}: {_first_line(error)}") from None


def _kept(answer: Mapping[str, Any]) -> str:
    if "access_token" not in answer:
        raise refused(_reason(answer))
    if not answer.get("refresh_token"):
        raise refused("It gave no refresh token: the program's registration lacks offline_access")
    return json.encode(Kept(str(answer["refresh_token"]))).decode()


def _reason(answer: Mapping[str, Any]) -> str:
    words = str(answer.get("error_description") or answer.get("error") or "It gave no reason")
    return words.splitlines()[0][:300].rstrip(".")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:200]
