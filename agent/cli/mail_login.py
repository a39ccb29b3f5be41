"""What `nmr mail login` does: finds the servers, lets the person sign in, tries it, and only then keeps it."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from msgspec import convert, structs

from agent.domain.errors import BadInput, NmrError, NotAllowed, Unavailable
from agent.links.mail.configured import opened, place_of
from agent.links.mail.servers import MICROSOFT, answers, guess
from agent.links.mail.trial import Step, Trial
from agent.system.config.change import change, why_fixed
from agent.system.config.check import check
from agent.system.config.load import Loaded
from agent.system.config.schema_links import MailLink
from agent.system.config.why import decision
from agent.system.mail_secret import MailSecret, save_mail_secret
from agent.system.wrapping_key import WrappingKey, load_key, make_key
from agent.wire.keys import Identity

MOST_PASSWORD = 1024
NOBODY = ("mail", "trial")
"""Whose keys are used where nothing is sealed."""


class Account:
    """The mailbox of a station (`table` "link.mail") or of a hub ("hub.mail"), as its profile describes it now.

    `folder` holds its secrets, `file` its settings.
    """

    def __init__(self, table: str, loaded: Loaded[Any], folder: Path, file: Path) -> None:
        self.table, self.folder, self.file, self._loaded = table, folder, file, loaded
        head, _, tail = table.partition(".")
        self.settings: MailLink = getattr(getattr(loaded.config, head), tail)

    @property
    def of_hub(self) -> bool:
        """Whether it is the hub's."""
        return self.table.startswith("hub")

    def with_given(self, given: dict[str, Any]) -> MailLink:
        """The settings with what was `given`; raises BadInput for what is not allowed, NotAllowed for what is fixed."""
        for key, value in given.items():
            fixed = self.fixed(key)
            if fixed and value != getattr(self.settings, key):
                raise NotAllowed(
                    "Set by your administrator", f"{self.table}.{key} cannot be changed here. Ask IT.", code="locked"
                )
        head, _, tail = self.table.partition(".")
        _, mistakes, _ = check({head: {tail: given}}, type(self._loaded.config), lambda _: ("nmr mail login", 0))
        for mistake in mistakes:
            raise BadInput("Not allowed", f"{mistake.key}: {mistake.text}", field=mistake.key)
        return structs.replace(self.settings, **given)

    def fixed(self, key: str) -> bool:
        """Whether policy decides about this one."""
        return bool(why_fixed(decision(self._loaded, f"{self.table}.{key}")) == "policy")

    def key(self) -> WrappingKey:
        """The profile's key, made if there is none; a hub's comes with the hub. Raises NmrError."""
        found = load_key(self.folder)
        if found is not None:
            return found
        if self.of_hub:
            raise BadInput("There is no hub in this profile", "Found it first: nmr hub init", code="no-hub")
        return make_key(self.folder, keyring=True)

    def keep(self, wanted: MailLink, secret: MailSecret) -> list[str]:
        """Write the settings that differ, and the secret before the link is switched on; returns what to tell."""
        different = [
            name for name in MailLink.__struct_fields__ if getattr(wanted, name) != getattr(self.settings, name)
        ]
        key = self.key()
        notes = [self._set(wanted, name) for name in different if name != "enabled"]
        save_mail_secret(self.folder, secret, key)
        notes += [self._set(wanted, name) for name in different if name == "enabled"]
        return list(filter(None, notes))

    def _set(self, wanted: MailLink, name: str) -> str:
        return change(self.file, self._loaded, f"{self.table}.{name}", getattr(wanted, name))

    def switch_off(self) -> str:
        """Let the link be off from the next start on; returns what to tell."""
        return change(self.file, self._loaded, f"{self.table}.enabled", False) if self.settings.enabled else ""


def wanted_from(account: Account, given: dict[str, Any]) -> MailLink:
    """The settings after asking for what neither an option nor the profile says; raises BadInput, NotAllowed."""
    named = {key: value for key, value in given.items() if value is not None}
    address = named.get("address") or account.settings.address or _asked("The mailbox's address", "--address")
    moved = address != account.settings.address
    old = MailLink() if moved else account.settings  # what belongs to another mailbox is no guess for this one
    wanted = account.with_given({**named, "address": address})
    for key in ("user", "imap", "smtp"):
        if moved and key not in named and not account.fixed(key):
            wanted = structs.replace(wanted, **{key: getattr(old, key)})
    return _with_servers(account, structs.replace(wanted, enabled=True))


def _with_servers(account: Account, wanted: MailLink) -> MailLink:
    """Look for the servers that nobody named."""
    if wanted.imap and wanted.smtp:
        return wanted
    imap, smtp = guess(wanted.address.rpartition("@")[2], wanted.auth, answers)
    return account.with_given(
        {
            **{name: getattr(wanted, name) for name in MailLink.__struct_fields__ if not account.fixed(name)},
            "imap": wanted.imap or imap or _asked("Where mail is read (host:port, mostly 993)", "--imap"),
            "smtp": wanted.smtp or smtp or _asked(_sending(wanted.auth), "--smtp"),
        }
    )


def _sending(auth: str) -> str:
    if auth == "microsoft":
        print(
            f"nmr: Microsoft's own server for sending does not speak TLS from the first byte (docs/mail.md); "
            f"mail is read at {MICROSOFT}",
            file=sys.stderr,
        )
    return "Where mail is sent (host:port, mostly 465)"


def secret_from(wanted: MailLink, *, from_stdin: bool, client_secret: str) -> MailSecret:
    """Ask for the password, or let the person sign in; raises NmrError."""
    if wanted.auth == "password":
        value = _password_from_stdin() if from_stdin else _asked("Password", "--password-stdin", hidden=True)
    elif wanted.auth == "microsoft":
        from agent.system.oauth import microsoft

        value = microsoft.sign_in(wanted.client_id, microsoft.authority_of(wanted.tenant), _show)
    else:
        import webbrowser

        from agent.system.oauth import google

        value = google.sign_in(google.place_of(wanted.client_id), wanted.login, client_secret, _show, webbrowser.open)
    return MailSecret(login=wanted.login, kind=wanted.auth, value=value)


def tried(wanted: MailLink, secret: MailSecret, said: Callable[[Step], None]) -> MailSecret:
    """Log in at both servers; returns the secret, which may be newer. Raises NotAllowed, Unavailable, NmrError."""
    from agent.system.oauth.tokens import read_kept, refreshed

    token, place = None, place_of(wanted)
    if place is not None:
        kept = read_kept(secret.value)
        grant = refreshed(place, kept)
        if grant.refresh_token:
            from msgspec import json

            value = json.encode(structs.replace(kept, refresh=grant.refresh_token)).decode()
            secret = structs.replace(secret, value=value)
        token = grant.access_token
    settings = opened(wanted, secret, Identity.new(*NOBODY))
    for step in Trial(settings, None if token is None else lambda: token).logins():
        said(step)
        if not step.ok:
            raise failed(step, "Nothing was kept")
    return secret


def failed(step: Step, also: str = "") -> NmrError:
    """The error that a failed step is, with the exit code of its kind."""
    kinds: dict[str, type[NmrError]] = {"refused": NotAllowed, "away": Unavailable}
    message = f"{step.detail.rstrip('.')}. {step.cure}{f'. {also}' if also else ''}"
    return kinds.get(step.fault, NmrError)("The mailbox cannot be used", message, code=f"mail-{step.fault}")


def _show(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _password_from_stdin() -> str:
    value = sys.stdin.read(MOST_PASSWORD + 2).rstrip("\r\n")
    if not value or len(value) > MOST_PASSWORD or not value.isprintable():
        raise BadInput(
            "There is no password on the standard input",
            f"It must be one line of at most {MOST_PASSWORD} characters",
            code="password",
        )
    return value


def _asked(what: str, option: str, *, hidden: bool = False) -> str:
    """Ask whoever sits here; raises BadInput where nobody does."""
    if not sys.stdin.isatty():
        raise BadInput("Nobody can be asked here", f"{what}: give it with {option}", field=option.lstrip("-"))
    return convert(click.prompt(what, hide_input=hidden, err=True), str)
