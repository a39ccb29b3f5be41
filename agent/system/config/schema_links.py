"""The settings of the links: how a station, and the hub by mail, reaches others."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from agent.domain.mail import LONGEST_ADDRESS, NOWHERE, Mailbox
from agent.system.config.values import (
    LONGEST_PATH,
    is_host_and_port,
    is_host_and_port_or_empty,
    is_line_or_empty,
    is_mail_address_or_empty,
    is_word_or_empty,
    text_of,
)


class MqttLink(Struct, frozen=True, kw_only=True):
    """The link to the site's broker."""

    enabled: Annotated[bool, Meta(description="Use this link")] = True
    addresses: Annotated[
        tuple[Annotated[str, text_of('"host:port"', is_host_and_port)], ...],
        Meta(max_length=16, description="Brokers to use instead of those given at enrolment"),
    ] = ()
    hub_proof: Annotated[
        Literal["required", "preferred"],
        Meta(description="Whether the hub must prove itself before a first connection is used, or only should"),
    ] = "required"


class P2pLink(Struct, frozen=True, kw_only=True):
    """The link straight to each other station, without a server in between."""

    enabled: Annotated[bool, Meta(description="Use this link")] = False
    signaling: Annotated[
        str,
        text_of(
            '"host:port", or empty',
            is_host_and_port_or_empty,
            "Where stations find each other; empty is the hub of the enrolment",
        ),
    ] = ""


class MailLink(Struct, frozen=True, kw_only=True):
    """The link over a mailbox; `nmr mail login` fills it in and keeps the password."""

    enabled: Annotated[bool, Meta(description="Use this link")] = False
    address: Annotated[
        str,
        text_of(
            f'"local@host" of at most {LONGEST_ADDRESS} characters, or empty',
            is_mail_address_or_empty,
            "Address of the mailbox; the others on the site learn it",
        ),
    ] = ""
    user: Annotated[
        str,
        text_of(
            f"a text of at most {LONGEST_PATH} characters in one line",
            is_line_or_empty,
            "Name to log in with; empty is the address",
        ),
    ] = ""
    imap: Annotated[
        str,
        text_of('"host:port", or empty', is_host_and_port_or_empty, "Where mail is read (IMAP over TLS, mostly 993)"),
    ] = ""
    smtp: Annotated[
        str,
        text_of('"host:port", or empty', is_host_and_port_or_empty, "Where mail is sent (SMTP over TLS, mostly 465)"),
    ] = ""
    folder: Annotated[
        str,
        text_of(
            f"a text of at most {LONGEST_PATH} characters in one line",
            is_line_or_empty,
            "Folder our mails arrive in; empty is the inbox",
        ),
    ] = ""
    plus: Annotated[bool, Meta(description="The server delivers local+anything@host to this mailbox, too")] = True
    auth: Annotated[
        Literal["password", "microsoft", "google"],
        Meta(description="How to log in: password (of the mailbox, or one for this program), or a provider's sign-in"),
    ] = "password"
    tenant: Annotated[
        str,
        text_of(
            "at most 128 of A-Z, a-z, 0-9, ., _ and -",
            is_word_or_empty,
            "Microsoft 365: the organisation's domain or id; empty asks at the sign-in",
        ),
    ] = ""
    client_id: Annotated[
        str,
        text_of(
            "at most 128 of A-Z, a-z, 0-9, ., _ and -",
            is_word_or_empty,
            "The number under which IT registered this program at the provider",
        ),
    ] = ""
    ca_file: Annotated[
        str,
        text_of(
            f"a path of at most {LONGEST_PATH} characters, or empty",
            is_line_or_empty,
            "Certificates to trust at these servers instead of the system's",
        ),
    ] = ""

    @property
    def login(self) -> str:
        """The name to log in with."""
        return self.user or self.address

    @property
    def mailbox(self) -> Mailbox:
        """What the ledger shall say of it."""
        return Mailbox(self.address, self.plus) if self.enabled and self.address else NOWHERE

    def missing(self) -> tuple[str, ...]:
        """The keys that must be set before it can be used, without their table."""
        needed = ("address", "imap", "smtp", *(("client_id",) if self.auth != "password" else ()))
        return tuple(key for key in needed if not getattr(self, key))


class Links(Struct, frozen=True, kw_only=True):
    """The ways to reach others."""

    mqtt: MqttLink = MqttLink()
    p2p: P2pLink = P2pLink()
    mail: MailLink = MailLink()
