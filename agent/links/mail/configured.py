"""A mailbox as the settings describe it and the secrets folder opens it: what the link is made with."""

from collections.abc import Callable
from pathlib import Path

from agent.domain.errors import BadConfiguration, NmrError
from agent.links.base import LinkDown, LinkRefused
from agent.links.mail.settings import Address, MailSettings
from agent.system.config.schema_links import MailLink
from agent.system.mail_secret import MailSecret, load_mail_secret
from agent.system.oauth.tokens import Place, SignInRefused, Tokens
from agent.system.wrapping_key import WrappingKey, damaged, load_key
from agent.wire.keys import Identity

INBOX = "INBOX"


def configured(
    settings: MailLink, folder: Path, me: Identity, key: WrappingKey | None = None
) -> tuple[MailSettings, Callable[[], str] | None]:
    """Return what the link is made with, and what gives it tokens where it logs in by them.

    `folder` holds the secrets. Raises BadConfiguration, MailSecretUnusable, SecretsUnreadable. Without `key` a keyring
    may be asked, which takes time: not in an event loop then.
    """
    if missing := settings.missing():
        raise BadConfiguration(
            "The mailbox is not set up", f"{', '.join(missing)}: not set. Run: nmr mail login", field=missing[0]
        )
    key = key or load_key(folder)
    secret = load_mail_secret(folder, settings.login, settings.auth, key)
    if key is None:
        raise damaged(folder)
    return opened(settings, secret, me), token_of(settings, folder, secret, key)


def opened(settings: MailLink, secret: MailSecret, me: Identity) -> MailSettings:
    """What the link is made with, for a secret that need not be on the disk yet; raises BadConfiguration."""
    return MailSettings(
        me=me,
        address=settings.address,
        imap=address_of(settings.imap),
        smtp=address_of(settings.smtp),
        password=secret.value if secret.kind == "password" else "",
        user=settings.user,
        folder=settings.folder or INBOX,
        plus=settings.plus,
        ca_pem=_authorities(settings.ca_file),
    )


def token_of(settings: MailLink, folder: Path, secret: MailSecret, key: WrappingKey) -> Callable[[], str] | None:
    """What gives tokens, raising as links do; None for a password."""
    place = place_of(settings)
    return None if place is None else _as_links_say(Tokens(folder, secret, key, place))


def place_of(settings: MailLink) -> Place | None:
    """Where tokens for a mailbox come from; None where it is opened by a password."""
    match settings.auth:
        case "microsoft":
            from agent.system.oauth import microsoft

            return microsoft.place_of(settings.client_id, microsoft.authority_of(settings.tenant))
        case "google":
            from agent.system.oauth import google

            return google.place_of(settings.client_id)
    return None


def address_of(text: str) -> Address:
    """`host:port` as it is dialled."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def _as_links_say(tokens: Tokens) -> Callable[[], str]:
    def token() -> str:
        try:
            return tokens.token()
        except SignInRefused as error:
            raise LinkRefused(str(error)) from None
        except NmrError as error:
            raise LinkDown(str(error)) from None

    return token


def _authorities(ca_file: str) -> bytes | None:
    if not ca_file:
        return None
    try:
        return Path(ca_file).read_bytes()
    except OSError as error:
        raise BadConfiguration(
            "The certificates for the mail servers cannot be read", f"{ca_file}: {error.strerror}", field="ca_file"
        ) from error
