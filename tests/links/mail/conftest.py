"""Mail servers for all tests of the mail link; those that break them find them mended."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.links.mail.scene import PASSWORDS, MailScene
from tests.servers.mail import MailServers, mail_servers


@pytest.fixture(scope="session")
def servers() -> Iterator[MailServers]:
    """Dovecot and the front."""
    with mail_servers(PASSWORDS) as running:
        yield running


@pytest.fixture
def scene(servers: MailServers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailScene]:
    """Two fresh stations; the servers run and do nothing wrong, whatever the test before did to them."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # where the locks of mailboxes lie
    yield MailScene(servers, tmp_path)
    servers.front.faults.clear()
    servers.front.faults.happened.clear()
    servers.front.taken.clear()
    servers.front.held.clear()
    servers.front.stop()
    if not servers.programs.alive("dovecot"):
        servers.start_dovecot()
    servers.front.start()
