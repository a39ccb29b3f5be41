"""What a mail server may do wrong, and when: a plan the front asks at each step."""

import random
import threading
from dataclasses import dataclass, field
from typing import Literal

Step = Literal["greeting", "auth", "mail", "rcpt", "data", "inside", "end", "delivered"]
"""Where in a conversation: `inside` while the mail is read, `end` after its last line, `delivered` when it lies in the
mailbox and the 250 is not yet said."""

DROP = "drop"
"""Instead of a reply: the connection breaks, without a word."""


@dataclass
class Fault:
    """At `step`, `reply` is said (or DROP), as often as `times` says (None: always) and with this chance.

    `who` limits it to one recipient's address, at the steps from `rcpt` on; with `inside` only DROP is possible.
    """

    step: Step
    reply: str
    times: int | None = 1
    who: str = ""
    chance: float = 1.0


@dataclass
class Faults:
    """The faults of one server; switched by the test, asked by the server, from different threads."""

    plan: list[Fault] = field(default_factory=list)
    happened: list[Step] = field(default_factory=list)
    delay: float = 0.0
    """Seconds each mail waits before it is delivered and before its sender is answered."""
    copies: int = 1
    """How often each mail is delivered."""
    holding: bool = False
    """Whether mails are answered by 250 and kept until they are released."""

    def __post_init__(self) -> None:
        self._random = random.Random(6)
        self._lock = threading.Lock()

    def add(self, step: Step, reply: str, times: int | None = 1, who: str = "", chance: float = 1.0) -> Fault:
        """Plan one fault more."""
        fault = Fault(step, reply, times, who, chance)
        with self._lock:
            self.plan.append(fault)
        return fault

    def clear(self) -> None:
        """Do nothing wrong from now on; what is held stays held."""
        with self._lock:
            self.plan.clear()
        self.delay, self.copies, self.holding = 0.0, 1, False

    def at(self, step: Step, recipients: tuple[str, ...] = ()) -> str | None:
        """What goes wrong at this step, None for nothing."""
        with self._lock:
            for fault in self.plan:
                if fault.step == step and self._meant(fault, recipients):
                    fault.times = None if fault.times is None else fault.times - 1
                    self.happened.append(step)
                    return fault.reply
        return None

    def _meant(self, fault: Fault, recipients: tuple[str, ...]) -> bool:
        if fault.times == 0 or (fault.who and fault.who not in recipients):
            return False
        return fault.chance >= 1 or self._random.random() < fault.chance
