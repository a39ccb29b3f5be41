"""Only the right server gets a password, and only through TLS; a refused login is told from one that fails for now."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.hub.broker.tls import SiteTls
from agent.links.base import LinkDown, LinkRefused
from agent.links.mail.account import PIECE_BYTES, Account, NotSent, tls_context, transmit
from agent.links.mail.line import Line
from agent.links.mail.settings import MailSettings, Pace
from agent.wire.keys import Identity
from tests.links.mail.scene import MailScene, pass_on
from tests.links.taking import take

pytestmark = pytest.mark.servers


async def connects(scene: MailScene, settings: MailSettings, token: Callable[[], str] | None = None) -> None:
    async with scene.of(settings, token=token).connect():
        pass


async def sends(scene: MailScene, settings: MailSettings) -> None:
    async with scene.of(settings).connect() as session:
        await session.send(scene.b, b"x")


@asynccontextmanager
async def overhearing(greeting: bytes) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server without TLS that writes down what it is told."""
    heard: list[bytes] = []

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        while said := await reader.read(1000):
            heard.append(said)
        writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        server.close()


@pytest.mark.parametrize("of", ["another site", "the system"])
def test_a_server_of_another_authority_is_not_believed(scene: MailScene, tmp_path: Path, of: str) -> None:
    other = SiteTls(tmp_path / "other")
    other.ensure("other", ["localhost"])
    ca = other.ca_pem if of == "another site" else None
    account = Account(scene.settings(scene.a, ca_pem=ca))
    logins = scene.servers.front.logins
    with pytest.raises(LinkDown, match="not trusted"):
        account.imap()
    with pytest.raises(NotSent, match="not trusted"):
        account.smtp()
    assert scene.servers.front.logins == logins


def test_a_server_of_another_name_is_not_believed(scene: MailScene) -> None:
    servers = scene.servers
    account = Account(scene.settings(scene.a, imap=("127.1", servers.imap_port), smtp=("127.1", servers.smtp_port)))
    with pytest.raises(LinkDown, match="not trusted"):
        account.imap()
    with pytest.raises(NotSent, match="not trusted"):
        account.smtp()


@pytest.mark.parametrize("greeting", [b"* OK ready\r\n", b"220 ready ESMTP\r\n", b""], ids=["imap", "smtp", "silent"])
def test_a_port_without_tls_hears_neither_name_nor_password(scene: MailScene, greeting: bytes) -> None:
    async def walk() -> None:
        async with overhearing(greeting) as (port, heard):
            pace = scene.pace(scene.a, answer=1.0).pace
            with pytest.raises(LinkDown, match=r"TLS|does not answer"):
                await connects(scene, scene.settings(scene.a, imap=("localhost", port), pace=pace))
            with pytest.raises(LinkDown, match=r"TLS|does not answer"):
                await sends(scene, scene.settings(scene.a, smtp=("localhost", port), pace=pace))
            told = b"".join(heard)
            assert b"password" not in told
            assert scene.addresses[scene.a].encode() not in told  # two letters may come by chance among random bytes

    asyncio.run(walk())


def test_a_file_that_is_no_certificate_is_refused() -> None:
    for wrong in (b"", b"no certificate", "ä".encode()):
        with pytest.raises(LinkRefused, match="ca_file"):
            tls_context(wrong)


def test_a_login_that_fails_for_now_is_tried_again_and_a_wrong_password_is_not(scene: MailScene) -> None:
    with scene.servers.no_logins(), pytest.raises(LinkDown, match="now"):
        asyncio.run(connects(scene, scene.settings(scene.a)))
    with pytest.raises(LinkRefused, match="does not accept"):
        asyncio.run(connects(scene, scene.settings(scene.a, password="wrong")))


def test_a_wrong_password_for_sending_is_tried_once_and_ends_the_session(scene: MailScene) -> None:
    async def walk() -> None:
        async with scene.link(scene.a).connect() as a:
            scene.servers.set_password(scene.a, "another now")
            with pytest.raises(LinkDown, match="535"):
                await a.send(scene.b, b"x")
            with pytest.raises(LinkRefused, match="535"):
                await take(a.received())

    connections = scene.servers.front.connections
    asyncio.run(walk())
    assert scene.servers.front.connections == connections + 1


@pytest.mark.parametrize("folder", ["Agents", 'Störung & Käse/In "Arbeit"'])
def test_a_missing_folder_is_told_and_one_of_any_name_can_be_read(scene: MailScene, folder: str) -> None:
    settings = scene.settings(scene.a, folder=folder)
    with pytest.raises(LinkRefused, match="no folder"):
        asyncio.run(connects(scene, settings))
    imap = Account(settings).imap()
    imap.create_folder(folder)
    imap.logout()
    asyncio.run(connects(scene, settings))


@pytest.mark.parametrize("password", ["plain", "größer als ASCII", 'quo"ted \\ and % {brackets}'])
def test_passwords_of_all_kinds_open_both_servers(scene: MailScene, password: str) -> None:
    scene.servers.set_password(scene.a, password)

    async def walk() -> None:
        async with scene.both() as (a, b):
            await pass_on(a, b, scene.b, b"in")

    asyncio.run(walk())


def test_a_token_opens_both_servers_and_is_asked_for_at_each_login(scene: MailScene) -> None:
    asked = list[str]()

    def token() -> str:
        asked.append(scene.servers.tokens.issue(scene.addresses[scene.a]))
        return asked[-1]

    async def walk() -> None:
        settings = scene.settings(scene.a, password="")
        async with scene.of(settings, token=token).connect() as a, scene.link(scene.b).connect() as b:
            await pass_on(a, b, scene.b, b"in")

    asyncio.run(walk())
    assert len(asked) == 2


def test_a_token_that_is_worth_nothing_is_refused_by_both_servers(scene: MailScene) -> None:
    good, bad = scene.servers.tokens.issue(scene.addresses[scene.a]), "worthless"
    tokens = iter([good, bad])

    async def walk() -> None:
        async with scene.of(scene.settings(scene.a), token=lambda: next(tokens)).connect() as a:
            with pytest.raises(LinkDown, match="535"):
                await a.send(scene.b, b"x")
            with pytest.raises(LinkRefused, match="535"):
                await take(a.received())

    asyncio.run(walk())
    with pytest.raises(LinkRefused):
        asyncio.run(connects(scene, scene.settings(scene.a), token=lambda: bad))


@pytest.mark.parametrize("login", ["SHOP\\anna", "Anna Meier", "größer", 'an"na', "anna(1)"])
def test_a_login_name_of_any_letters_is_refused_by_the_server_and_not_by_us(scene: MailScene, login: str) -> None:
    with pytest.raises(LinkRefused, match="does not accept the login"):
        asyncio.run(connects(scene, scene.settings(scene.a, user=login)))


class Slow:
    """An SMTP connection over a slow line: what was said on it, and how long each answer may take."""

    def __init__(self, *answers: int) -> None:
        self.answers, self.said, self.timeouts = iter(answers), list[bytes | str](), [0.0]
        self.sock = self

    def settimeout(self, seconds: float) -> None:
        self.timeouts.append(seconds)

    def docmd(self, command: str) -> tuple[int, bytes]:
        self.said.append(command)
        return next(self.answers), b"2.0.0 so"

    def mail(self, _: str) -> tuple[int, bytes]:
        return 250, b""

    rcpt = mail

    def rset(self) -> None:
        self.said.append("RSET")

    def quit(self) -> None: ...

    def close(self) -> None: ...

    def send(self, piece: bytes) -> None:
        self.said.append(piece)


def handed_over(slow: Slow, letter: bytes) -> None:
    settings = MailSettings(Identity.new("s", "a"), "a@mail.test", ("h", 993), ("h", 465))
    transmit(slow, settings, "b@mail.test", letter)  # type: ignore[arg-type]  # as much of one as is used


def test_a_large_mail_goes_in_pieces_each_of_which_has_its_time_and_the_server_may_think_about_it() -> None:
    slow, letter = Slow(354, 250), bytes(100_000)
    handed_over(slow, letter)
    first, *pieces, last = slow.said
    assert (first, last) == ("DATA", ".")
    assert b"".join(piece for piece in pieces if isinstance(piece, bytes)) == letter
    assert max(map(len, pieces)) == PIECE_BYTES
    assert slow.timeouts[-2:] == [Pace().taken, Pace().answer]


class Kept:
    """An account whose connections are these, one after the other."""

    def __init__(self, *connections: Slow) -> None:
        self.connections = iter(connections)

    def smtp(self) -> Slow:
        return next(self.connections)


def test_a_kept_connection_that_is_silent_is_given_up_soon_and_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Slow(354, 250), Slow(354, 250)
    settings = MailSettings(Identity.new("s", "a"), "a@mail.test", ("h", 993), ("h", 465))
    line = Line(Kept(first, second), settings)  # type: ignore[arg-type]  # as much of one as is used
    line.send("b@mail.test", b"one")

    def silent(_: str) -> tuple[int, bytes]:
        assert first.timeouts[-1] == Pace().kept
        raise TimeoutError

    monkeypatch.setattr(first, "mail", silent)
    line.send("b@mail.test", b"two")
    assert (first.said[1], second.said[1]) == (b"one", b"two")
    assert second.timeouts[-2:] == [Pace().taken, Pace().answer]


@pytest.mark.parametrize("answers", [(250,), (354, 354)])
def test_only_the_250_behind_the_whole_mail_says_that_it_was_taken(answers: tuple[int, ...]) -> None:
    slow = Slow(*answers)
    with pytest.raises(NotSent):
        handed_over(slow, b"x")
    assert slow.said[-1] == "RSET"


def test_a_server_that_looks_through_a_mail_for_long_has_taken_it(scene: MailScene) -> None:
    async def walk() -> None:
        async with scene.of(scene.pace(scene.a, answer=1.0)).connect() as a:
            await a.send(scene.b, b"the connection stands")
            scene.faults.delay = 2.0
            await a.send(scene.b, b"x")

    asyncio.run(walk())
