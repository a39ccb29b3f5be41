"""The first start of an agent that IT installed: it joins by the invite that was left, as soon as it can."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path

from agent.domain.errors import BadInput, NmrError, TryLater, Unavailable
from agent.station.enrolment import by_mail as enrol_mail
from agent.station.enrolment.enrol import enrol, text_of
from agent.station.enrolment.enrol import finish as enrol_finish
from agent.station.enrolment.pending import load_pending
from agent.system.beside import aside
from agent.system.config.load import load
from agent.system.credentials import Credentials
from agent.system.deployment import Deployment, deployment
from agent.system.log import event
from agent.system.mail_secret import MailSecretUnusable
from agent.system.paths import Profile
from agent.system.wrapping_key import load_key
from agent.wire.invite import read_invite

log = logging.getLogger(__name__)

BY_MAIL_S = 900.0
"""So long an answer by mail is awaited before the network is tried again, which may have come up meanwhile."""
_AGAIN = "It is tried again, over the network and by mail. If this stays, tell IT: nmr mail test says what is wrong"


def patience() -> Iterator[float]:
    """Pauses between two tries, seconds: networks come up after their users, some only with a VPN."""
    yield from (2, 5, 10, 20, 30)
    yield from repeat(60)


async def join(
    profile: Profile, tell: Callable[[str, str], Awaitable[None]], pauses: Iterable[float] | None = None
) -> Credentials | None:
    """Become a station by the invite IT left; None if none was left.

    A hub that cannot be reached over the network is asked by mail where there is a mailbox. While hub or invite cannot
    be reached it tries again, and tells the user so once with (title, message).
    Raises NmrError where trying again cannot help.
    """
    left = deployment(profile)
    if not left.invite:
        return None
    told, letters = False, enrol_mail.pauses()
    for pause in patience() if pauses is None else pauses:
        try:
            return await aside(lambda: _join(profile, left, letters))
        except Unavailable as error:
            event(log, "first-start-waits", reason=error.code)
            if not told:
                await tell(error.title, error.message)
            told = True
        await asyncio.sleep(pause)
    raise Unavailable("This computer could not join its site", "Tell IT", code="first-start")


async def finish(
    profile: Profile, tell: Callable[[str, str], Awaitable[None]], pauses: Iterable[float] | None = None
) -> None:
    """Beside the agent, let the hub know of a first start that was broken off when this computer had its keys."""
    if not await aside(lambda: broken_off(profile)):
        return
    left, letters = deployment(profile), enrol_mail.pauses()
    for pause in patience() if pauses is None else pauses:
        try:
            await aside(lambda: _finish(profile, left, letters))
        except Unavailable as error:
            event(log, "first-start-waits", reason=error.code)
        except NmrError as error:
            event(log, "first-start-refused", logging.WARNING, reason=error.code)
            await tell(error.title, error.message)
            return
        else:
            event(log, "first-start-finished")
            return
        await asyncio.sleep(pause)


def broken_off(profile: Profile) -> bool:
    """Whether this computer has its keys from the invite IT left, and perhaps the hub does not know that it has."""
    folder = profile.secrets_folder
    key, left = load_key(folder), deployment(profile)
    pending = None if key is None else load_pending(folder, key)
    if pending is None or pending.renews or not left.invite:
        return False
    try:
        return read_invite(text_of(left.invite_file)).id == pending.invite
    except BadInput:  # it is not there now
        return False


def _join(profile: Profile, left: Deployment, letters: Iterator[float]) -> Credentials:
    file = Path(left.invite_file)
    try:
        is_there = file.is_file()
    except OSError:  # a share that is not connected
        is_there = False
    if not is_there:
        raise Unavailable("The invite for this computer is not there yet", f"Waiting for {file}", code="invite-missing")
    with _patient():
        got = enrol(profile, str(file), hub_url=left.site_url or None, mail=_by_mail(profile, letters))
    event(log, "first-start-joined", station=got.station)
    return got


def _finish(profile: Profile, left: Deployment, letters: Iterator[float]) -> None:
    mail = _by_mail(profile, letters, beside=True)
    with _patient():
        enrol_finish(profile, left.invite_file, hub_url=left.site_url or None, mail=mail)


@contextmanager
def _patient() -> Iterator[None]:
    """Let what is wrong with the mailbox be one more reason to try again: the network may come up."""
    try:
        yield
    except NmrError as error:
        if isinstance(error, (TryLater, MailSecretUnusable)) or error.code == enrol_mail.MAILBOX_SHUT:
            raise Unavailable(error.title, _AGAIN, code=error.code) from error
        raise


def _by_mail(profile: Profile, letters: Iterator[float], *, beside: bool = False) -> enrol_mail.ByMail | None:
    """The way over this computer's mailbox, if it has one by now."""
    settings = load(profile).config.link.mail
    if not settings.enabled:
        return None
    return enrol_mail.ByMail(
        profile,
        settings,
        lambda told: event(log, "first-start-by-mail", told=told),
        between=lambda: letters,
        patience_s=BY_MAIL_S,
        beside=beside,
    )
