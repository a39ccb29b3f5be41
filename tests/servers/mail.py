"""Real mail servers on free ports: Dovecot with any number of mailboxes, and a submission server before it."""

import grp
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from string import Template
from types import TracebackType
from typing import Self

import pytest

from agent.hub.broker.tls import SiteTls
from tests.servers.mail_box import Mailbox
from tests.servers.mail_front import Front
from tests.servers.mail_line import Line
from tests.servers.mail_smtp import Accounts
from tests.servers.mail_tokens import TokenServer
from tests.servers.ports import free_port
from tests.servers.programs import Programs, until

CONFIG = Path(__file__).parent / "config"
DOMAIN = "mail.test"
TWO = {"anna": "anna's password", "bert": "bert's password"}
NEEDED = {"dovecot": "/usr/sbin/dovecot", "doveadm": "/usr/bin/doveadm"}
PROTOCOLS = ("imap", "lmtp")


class MailServers:
    """Mailboxes by name, with passwords; `address` is how others call them. All in a folder that goes at the end.

    `imap_port` speaks IMAP and `smtp_port` SMTP, both with TLS from the first byte, for 127.0.0.1 and localhost; `ca`
    is the file of the authority that says so. `front` is the submission server, with its faults.
    """

    def __init__(self, mailboxes: Mapping[str, str] | None = None) -> None:
        self.passwords = dict(TWO if mailboxes is None else mailboxes)
        self.folder = Path(tempfile.mkdtemp(prefix="nmr-mail."))
        self.programs = Programs(self.folder)
        tls = SiteTls(self.folder / "tls")
        tls.ensure("tests", ["localhost", "127.0.0.1"])
        self.ca, self._certificate, self._key = self.folder / "ca.pem", tls.hub_cert, tls.hub_key
        self.ca.write_bytes(tls.ca_pem)
        self.ca.chmod(0o644)  # Dovecot asks our token server as another user
        self.imap_port, self.lmtp_port, self.smtp_port = free_port(), free_port(), free_port()
        self.tokens = TokenServer(self._certificate, self._key)
        self.front = Front(
            self.smtp_port, self.lmtp_port, self._own_tls(), Accounts(self._right, self._token, self.known)
        )
        self._dovecot: subprocess.Popen[bytes] | None = None
        self._quotas: dict[str, int] = {}
        self._lines: list[Line] = []

    @staticmethod
    def missing() -> list[str]:
        """What this needs and does not find; a test that needs it skips and names it."""
        absent = [name for name, path in NEEDED.items() if not Path(path).exists()]
        absent += [f"dovecot-{name}d" for name in PROTOCOLS if not Path("/usr/lib/dovecot", name).exists()]
        return absent or ([] if os.geteuid() != 0 or _has_user("mail") else ["a user named mail"])

    def __enter__(self) -> Self:
        try:
            self._prepare()
            self.tokens.start()
            self.start_dovecot()
            self.front.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop everything and remove the folder."""
        for line in self._lines:
            line.close()
        self.front.close()
        self.kill_dovecot()
        self.tokens.stop()
        self.programs.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def address(self, name: str, detail: str = "") -> str:
        """The address of a mailbox, with `+detail` if there is one."""
        return f"{name}{'+' if detail else ''}{detail}@{DOMAIN}"

    def known(self, address: str) -> bool:
        """Whether there is a mailbox for an address."""
        name, _, domain = address.rpartition("@")
        return domain == DOMAIN and name.partition("+")[0] in self.passwords

    def tls(self) -> ssl.SSLContext:
        """How somebody who believes our authority connects."""
        return ssl.create_default_context(cafile=str(self.ca))

    def mailbox(self, name: str) -> Mailbox:
        """The files of a mailbox."""
        return Mailbox(self.folder / "mail" / name / "Maildir", _owner())

    def line(self, port: int, *, inside: bool = False) -> Line:
        """A line to one of our ports that can be silenced, drip and be cut; connect to its own `port`.

        With `inside` it drips inside of TLS: a line of the protocol comes in pieces, as servers may write it.
        """
        self._lines.append(Line(port, self._own_tls(), self.tls()) if inside else Line(port))
        return self._lines[-1]

    def log(self) -> str:
        """What Dovecot wrote."""
        return self.programs.log("dovecot")

    # --- Dovecot goes and comes ---------------------------------------------------------------------

    def start_dovecot(self) -> None:
        """Start it, on the same ports each time; returns when it greets."""
        command = (NEEDED["dovecot"], "-F", "-c", str(self._config))
        self._dovecot = self.programs.start("dovecot", *command, env=os.environ)
        until(self._greets, "Dovecot")

    def stop_dovecot(self) -> None:
        """Stop it politely, and after a second all of it; whoever is connected is told."""
        self.programs.end("dovecot")
        self.kill_dovecot()

    def kill_dovecot(self) -> None:
        """Kill all its processes at once; does nothing if there are none."""
        if self._dovecot is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(
                self._dovecot.pid, signal.SIGKILL
            )  # each program has a session of its own: its pid is the group's
        self.programs.end("dovecot")
        self._dovecot = None
        until(lambda: not _listens(self.imap_port), "end of Dovecot")
        for lock in (self.folder / "mail").rglob("*.lock"):
            lock.unlink()  # nobody holds it any more, but the next Dovecot would wait two minutes for whoever did

    # --- what a provider may do to a mailbox --------------------------------------------------------

    def set_password(self, name: str, password: str) -> None:
        """Give a mailbox another password (or make a mailbox); the next login needs it."""
        self.passwords[name] = password
        self._write_users()

    def set_quota(self, name: str, size: int | None) -> None:
        """Let a mailbox hold so many bytes; None: as many as come."""
        self._quotas.pop(name, None)
        if size is not None:
            self._quotas[name] = size
        self._write_users()

    @contextmanager
    def no_logins(self) -> Iterator[None]:
        """Answer every login with a temporary failure meanwhile: the list of passwords cannot be read."""
        users = self.folder / "users"
        users.write_text("")
        users.chmod(0)
        self._until_users_are_read_again()
        try:
            yield
        finally:
            self._write_users()

    def change_uidvalidity(self, name: str, folder: str = "INBOX") -> int:
        """Number the mails of a folder anew; returns the new UIDVALIDITY. Open sessions are told, or end."""
        validity = int(time.time()) + 1000
        self.doveadm("mailbox", "update", "--uid-validity", str(validity), "-u", name, folder)
        return validity

    def doveadm(self, *command: str) -> str:
        """Run doveadm on this server; what it printed."""
        words = [NEEDED["doveadm"], "-c", str(self._config), *command]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    # --- how it is set up ---------------------------------------------------------------------------

    @property
    def _config(self) -> Path:
        return self.folder / "dovecot.conf"

    def _prepare(self) -> None:
        mails = self.folder / "mail"
        mails.mkdir(mode=0o700)
        self.folder.chmod(0o711)  # the processes that touch mails have another user when we are root
        if owner := _owner():
            shutil.chown(mails, *owner)
        self._write_users()
        (self.folder / "oauth2.conf").write_text(self.tokens.dovecot_config(self.ca))
        text = Template((CONFIG / "dovecot.conf").read_text()).substitute(
            folder=self.folder,
            domain=DOMAIN,
            certificate=self._certificate,
            key=self._key,
            imap_port=self.imap_port,
            lmtp_port=self.lmtp_port,
            oauth_mechanisms="xoauth2 oauthbearer",
            oauth_passdb=_OAUTH.format(self.folder),
            **_users(),
        )
        self._config.write_text(text)

    def _write_users(self) -> None:
        # name:password:uid:gid:(gecos):home:(shell):more fields
        uid, gid = _owner() or (os.getuid(), os.getgid())
        lines = [
            f"{name}:{{PLAIN}}{password}:{uid}:{gid}::{self.folder}/mail/{name}::{self._quota(name)}\n"
            for name, password in self.passwords.items()
        ]
        begun, users = self.folder / "users.new", self.folder / "users"
        begun.write_text("".join(lines))
        begun.chmod(0o644)
        begun.rename(users)
        self._until_users_are_read_again()

    def _until_users_are_read_again(self) -> None:
        # Dovecot looks at the file at most once a second, and then only at the second of its change.
        if self._dovecot is not None:
            second = int(time.time())
            until(lambda: int(time.time()) > second, "the next second")

    def _quota(self, name: str) -> str:
        return f"userdb_quota_rule=*:bytes={self._quotas[name]}" if name in self._quotas else ""

    def _own_tls(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate, self._key)
        return context

    def _right(self, login: str, password: str) -> bool:
        name, _, domain = login.partition("@")
        return domain in {"", DOMAIN} and self.passwords.get(name) == password

    def _token(self, login: str, token: str) -> bool:
        return self.tokens.active(login, token)

    def _greets(self) -> bool:
        assert self.programs.alive("dovecot"), self.log()
        with suppress(OSError):
            plain = socket.create_connection(("127.0.0.1", self.imap_port), 5)
            with plain, self.tls().wrap_socket(plain, server_hostname="localhost") as secured:
                return secured.recv(100).startswith(b"* OK")
        return False


_OAUTH = """passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {}/oauth2.conf
}}"""


@contextmanager
def mail_servers(mailboxes: Mapping[str, str] | None = None) -> Iterator[MailServers]:
    """Servers that run; skips where Dovecot is not installed."""
    if missing := MailServers.missing():
        pytest.skip(f"needs {', '.join(missing)}")
    with MailServers(mailboxes) as servers:
        yield servers


def _owner() -> tuple[int, int] | None:
    """Whose the mails are: Dovecot lets root have none."""
    if os.geteuid() != 0:
        return None
    mail = pwd.getpwnam("mail")
    return mail.pw_uid, mail.pw_gid


def _users() -> dict[str, str]:
    """As whom Dovecot's processes run: as an ordinary user it can be nobody but that."""
    if os.geteuid() == 0:
        return {"internal": "dovecot", "internal_group": "dovecot", "login": "dovenull"}
    name = pwd.getpwuid(os.getuid()).pw_name
    return {"internal": name, "internal_group": grp.getgrgid(os.getgid()).gr_name, "login": name}


def _has_user(name: str) -> bool:
    with suppress(KeyError):
        return bool(pwd.getpwnam(name))
    return False


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
