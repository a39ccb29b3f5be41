"""The hook of docs/mail-push-example.md, on a private Dovecot."""

import os
import re
from pathlib import Path

from tests.servers.mail import MailServers

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "mail-push-example.md"
NEEDED = Path("/usr/lib/dovecot/modules/lib22_push_notification_lua_plugin.so")


class PushingServers(MailServers):
    """Mail servers as the example sets them up; each delivery writes a byte into `fifo`."""

    @staticmethod
    def missing() -> list[str]:
        """What this needs and does not find."""
        return MailServers.missing() + ([] if NEEDED.exists() else ["Dovecot's push_notification_lua"])

    @property
    def fifo(self) -> Path:
        """Where the bytes come."""
        return self.folder / "fifo"

    def _prepare(self) -> None:
        super()._prepare()
        hook, lines = self.folder / "push.lua", _example("lua").replace("/run/nmr-mail", str(self.fifo))
        hook.write_text(lines)
        hook.chmod(0o644)
        os.mkfifo(self.fifo)
        self.fifo.chmod(0o666)
        more = _example("conf").replace("/etc/dovecot/nmr-push.lua", str(hook))
        self._config.write_text(f"{self._config.read_text()}\n{more}")


def _example(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", EXAMPLE.read_text(), re.MULTILINE | re.DOTALL)
    assert found
    return found[1]
