"""An agent that notes every notice of its proof, and what to look for where no key may be."""

from base64 import b64encode

from agent.domain.events import Event
from agent.domain.keys import to_b64u
from agent.domain.task import TaskEvent
from agent.station.app import App
from agent.station.picture import proof_of
from agent.ui.texts import Texts

ENGLISH = Texts.of("en")


class Noting(App):
    """An agent that notes every notice of its proof."""

    noted: list[str]

    def handle(self, event: Event | TaskEvent) -> None:
        super().handle(event)
        notice = proof_of(self.core, ENGLISH).notice
        if not self.noted or self.noted[-1] != notice:
            self.noted.append(notice)


def shows(told: str, key: bytes) -> bool:
    """Whether a key can be read there, in any form."""
    return any(form in told for form in (key.hex(), to_b64u(key), b64encode(key).decode(), repr(key)[2:-1]))
