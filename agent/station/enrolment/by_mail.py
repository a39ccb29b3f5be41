"""A computer that reaches nothing but a mailbox becomes a station: the requests of enrolment go as letters."""

#   newcomer                                    hub
#   request ──▶ … again after each pause ──▶    claims the invite for our keys; the same answer however often
#           ◀── answer                          everything is written to our disk
#   confirm ──▶ … again ──▶                     member.add, with our mailbox; done, however often
#           ◀── done
#
# A letter may be lost, doubled, late or out of order at any place: whoever waits asks again, and both sides do what
# they are asked as if for the first time. Ctrl-C and a crash cost nothing, for the keys and the nonce are on the disk.
# What comes is believed for its proofs alone; whatever has none is dropped, as if it had not come.

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Generic

from msgspec import structs

from agent.domain.errors import BadConfiguration, BadInput, NmrError, NotAllowed, TryLater
from agent.domain.keys import from_b64u, kid_of
from agent.domain.mail import Mailbox
from agent.domain.names import HUB
from agent.links.base import Delivery, LinkDown, Session
from agent.links.keeper import LinkState, keep_up
from agent.links.mail.configured import configured
from agent.links.mail.link import MailLink
from agent.links.mail.own import STATE
from agent.links.mail.settings import Recipient
from agent.station.enrolment.asking import Asking
from agent.station.enrolment.https import HubRefused
from agent.system.config.change import change
from agent.system.config.load import load
from agent.system.config.schema_links import MailLink as Settings
from agent.system.mail_secret import has_mail_secret
from agent.system.paths import Profile
from agent.wire.enrol_letter import Step, is_enrol_letter, read_enrol_letter, write_enrol_letter
from agent.wire.enrolment import Done, EnrolRefused, Fresh, Given, Refused, Welcome
from agent.wire.invite import Card, Invite

PATIENCE_S = 6 * 3600.0
"""So long one command waits; two letters may be two hours late each."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 30.0, 900.0
NOT_SENT_S = 5.0
"""So soon a letter that the mail server did not take is tried again."""
CLOSELY_S = 120.0
"""So long the mailbox is watched closely after a letter has gone."""
MAILBOX_SHUT = "mail"
"""The code of the error that says that the mailbox does not let us in."""
STATE_BESIDE = "mailbox-beside.json"
"""What we remember of the mailbox where an agent may read it at the same time, with a memory of its own."""

Tell = Callable[[str], None]


def pauses() -> Iterator[float]:
    """Seconds between two letters that say the same: half a minute at first, a quarter of an hour in the end."""
    pause = FIRST_PAUSE_S
    while True:
        yield pause
        pause = min(LONGEST_PAUSE_S, 2 * pause)


def use_mail(profile: Profile, *, alone: bool) -> list[str]:
    """Switch the mail link on and, where it is to be `alone`, the broker's off; returns what to tell a person."""
    wanted = {"link.mail.enabled": True, **({"link.mqtt.enabled": False} if alone else {})}
    notes = [_set(profile, key, value=value) for key, value in wanted.items()]
    if alone:
        on_again = "if this computer comes into the network: nmr config set link.mqtt.enabled true"
        notes.append(f"this station uses its mailbox and leaves the hub's network alone (link.mqtt is off); {on_again}")
    else:
        notes.append("the hub could not be reached over the network; this station uses its mailbox until it can")
    return list(filter(None, notes))


def _set(profile: Profile, key: str, *, value: bool) -> str:
    loaded = load(profile)
    link: object = getattr(loaded.config.link, key.split(".")[1])
    if getattr(link, "enabled") is value:  # noqa: B009 - each link has it
        return ""
    try:
        return change(profile.config_file, loaded, key, value)
    except NmrError as error:
        return f"{error}. Ask for: {key} = {str(value).lower()}"


class ByMail:
    """The way over the mailbox that `settings` describe and the profile opens; `tell` says to a person what happens.

    With `beside` an agent may run on the mailbox meanwhile. `joined` says whether a newcomer took this way, so that its
    settings are to follow.
    """

    def __init__(
        self,
        profile: Profile,
        settings: Settings,
        tell: Tell,
        *,
        between: Callable[[], Iterable[float]] = pauses,
        patience_s: float = PATIENCE_S,
        beside: bool = False,
    ) -> None:
        self.joined = False
        self._profile, self._settings, self._tell = profile, structs.replace(settings, enabled=True), tell
        self._between, self._patience_s = between, patience_s
        self._state = STATE_BESIDE if beside else STATE

    @property
    def mailbox(self) -> Mailbox:
        """Where the hub answers."""
        return self._settings.mailbox

    def fits(self, found: Invite) -> bool:
        """Whether this invite can be used by mail from here."""
        ready = not self._settings.missing() and has_mail_secret(self._profile.secrets_folder)
        return ready and found.card is not None and bool(found.card.mail)

    def check(self, found: Invite) -> Card:
        """Return the card of an invite that shall be used by mail; raises BadInput, BadConfiguration."""
        if found.card is None:
            raise BadInput("By mail only an invite file will do", "Ask IT for the file of this invite", field="invite")
        if not found.card.mail:
            raise BadInput(
                "This invite names no mailbox of the hub",
                "IT gives the hub one with: nmr mail login --hub. Ask for an invite made after that",
                code="hub-no-mail",
                field="invite",
            )
        if missing := self._settings.missing():
            raise BadConfiguration(
                "This computer has no mailbox yet",
                f"{', '.join(missing)}: not set. Run: nmr mail login",
                code="no-mail",
            )
        return found.card

    def welcome(self, asking: Asking, wish: str) -> Welcome:
        """See Way; may take hours."""
        self.joined = True
        return self._first(asking, wish, Welcome)

    def fresh(self, asking: Asking, station: str) -> Fresh:
        """See Way; may take hours. An agent may run on this mailbox meanwhile: see agent.station.enrolment.letters."""
        self._state = STATE_BESIDE
        return self._first(asking, station, Fresh)

    def _first(self, asking: Asking, name: str, kind: type[Given]) -> Given:
        self._tell(
            f"asking the hub by mail ({asking.card.mail}). That takes a minute, or as long as the mail servers do; if "
            "it is broken off, the same command goes on where it was"
        )
        letter = write_enrol_letter(Step.REQUEST, asking.write(name, mailbox=self.mailbox))
        return self._ask(asking, letter, Step.ANSWER, kind)

    def confirm(self, asking: Asking, station: str) -> None:
        """See Way; may take hours."""
        self._tell(f"the hub lets this computer in as {station}; telling it that everything has arrived")
        letter = write_enrol_letter(Step.CONFIRM, asking.write(station, "confirm", self.mailbox))
        done = self._ask(asking, letter, Step.DONE, Done)
        if done.station != station:
            raise EnrolRefused("wrong-hub", "it speaks of another station")

    def _ask(self, asking: Asking, letter: bytes, wanted: Step, kind: type[Given]) -> Given:
        def read(container: bytes) -> Given | None:
            step, sealed = read_enrol_letter(container)
            if step is Step.REFUSED:
                refused = asking.read(sealed, Refused)
                if (refused.about == "request") == (wanted is Step.ANSWER):
                    raise HubRefused(refused.refused)
            return asking.read(sealed, kind) if step is wanted else None

        exchange = Exchange(self._link(asking), letter, read, self._tell)
        return asyncio.run(exchange.run(self._between(), self._patience_s))

    def _link(self, asking: Asking) -> MailLink:
        settings, token = configured(self._settings, self._profile.secrets_folder, asking.me)
        card = asking.card
        hub = Recipient(card.mail, kid_of(from_b64u(card.sign)), from_b64u(card.receive), card.plus)
        return MailLink(
            settings,
            address_of=lambda station: hub if station == HUB else None,
            stations=lambda: (HUB,),
            state_file=self._profile.data_folder / self._state,
            token=token,
        )


class Exchange(Generic[Given]):
    """Sends one letter to the hub again and again until `read` finds the answer to it in what comes.

    `read` returns None for what is none, and raises EnrolRefused for what cannot be believed.
    """

    def __init__(self, link: MailLink, letter: bytes, read: Callable[[bytes], Given | None], tell: Tell) -> None:
        self._link, self._letter, self._tell = link, letter, tell
        self._read: Callable[[bytes], Given | None] = read
        self._told: set[str] = set()
        self._session: Session | None = None
        self._up = asyncio.Event()

    async def run(self, between: Iterable[float], patience_s: float) -> Given:
        """Return the answer; raises HubRefused, NotAllowed if the mailbox is closed to us, TryLater."""
        self._answer: asyncio.Future[Given] = asyncio.get_running_loop().create_future()
        keeping = keep_up(self._link, opened=self._opened, arrived=self._arrived, changed=self._changed)
        tasks = [asyncio.create_task(work) for work in (keeping, self._repeat(between))]
        try:
            async with asyncio.timeout(patience_s):
                return await self._answer
        except TimeoutError:
            raise TryLater(
                "The hub has not answered yet",
                "What was begun is kept: run the same command again. Is the hub on, and its mailbox in order?",
                code="no-answer",
            ) from None
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _repeat(self, between: Iterable[float]) -> None:
        for pause in between:
            while not await self._sent():
                await asyncio.sleep(NOT_SENT_S)
            await asyncio.sleep(pause)

    async def _sent(self) -> bool:
        await self._up.wait()
        try:
            assert self._session is not None
            await self._session.send(HUB, self._letter)
        except LinkDown as error:
            self._say(f"not sent yet: {error}")
            return False
        self._link.expect(CLOSELY_S)
        return True

    def _opened(self, session: Session) -> None:
        self._session = session
        self._up.set()

    def _changed(self, now: LinkState) -> None:
        if now.state == "up":
            return
        self._up.clear()
        if now.state == "down":
            self._say(f"the mailbox cannot be read now: {now.why}")
        elif now.state == "refused":
            message = f"{now.why}. Run: nmr mail login"
            self._fail(NotAllowed("The mailbox does not let us in", message, code=MAILBOX_SHUT))

    def _arrived(self, delivery: Delivery) -> None:
        """Look at a letter; what is not for a newcomer stays in the mailbox, for the agent."""
        if not is_enrol_letter(delivery.sealed):
            return
        delivery.accept()
        try:
            found = self._read(delivery.sealed)
        except EnrolRefused:
            return
        except HubRefused as refused:
            self._fail(refused)
            return
        if found is not None and not self._answer.done():
            self._answer.set_result(found)

    def _fail(self, error: Exception) -> None:
        if not self._answer.done():
            self._answer.set_exception(error)

    def _say(self, text: str) -> None:
        """Tell a person something once."""
        if text not in self._told:
            self._told.add(text)
            self._tell(text)
