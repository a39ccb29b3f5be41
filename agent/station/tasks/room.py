"""Where tasks are at this station; nothing of it is loaded before a task, a request or the settings want it."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from agent.domain.effects import Effect
from agent.domain.errors import BadInput
from agent.domain.events import Arrived, Instant
from agent.domain.ledger import Ledger
from agent.domain.task import Leaving, QuestionAnswered, RunTask, StopTask, TaskEvent
from agent.domain.tasks import TYPE_OF
from agent.routing import rows
from agent.station.reach import Reach
from agent.system.config.schema import Config
from agent.system.store import Store
from agent.wire.keys import Identity

if TYPE_CHECKING:
    from agent.station.tasks.questions import Open
    from agent.station.tasks.working import Working

KINDS = ("task", "job")
"""What tasks of the last run are kept as."""


class TaskRoom:
    """`tell` hands an event to the agent, `show` shows a notice, `address` is that of the agent's socket."""

    def __init__(
        self,
        me: Identity,
        config: Config,
        address: str,
        store: Store,
        reach: Reach,
        *,
        ledger: Callable[[], Ledger],
        tell: Callable[[TaskEvent], None],
        show: Callable[[Effect], None],
        now: Callable[[], Instant],
    ) -> None:
        self._config, self._store, self._now = config, store, now
        self._parts = (me, config, address, store, reach, ledger, tell, show)
        self._working: Working | None = None
        self.deeds: dict[type, Callable[[Any], None]] = {RunTask: self._run, StopTask: self._stop}

    @property
    def working(self) -> "Working":
        """What does the work, loaded now if need be."""
        if self._working is None:
            from agent.station.tasks.working import Working

            self._working = Working(*self._parts, self._now)
        return self._working

    def start(self) -> Sequence[Effect]:
        """Go on where the last run ended."""
        left = any(self._store.read(rows.KEPT, (kind,)) for kind in KINDS)
        return self.working.start(self._now()) if left or self._config.worker.enabled else []

    def handle(self, event: object) -> Sequence[Effect]:
        """Decide what a task's event means; everything else only if tasks are there at all."""
        if self._working is None and not _is_about_tasks(event):
            return []
        if isinstance(event, QuestionAnswered):
            with suppress(BadInput):  # answered in another place, or taken back, while the menu was open
                self.working.answer(event.job, {"choice": event.choice, "text": event.text})
            return []
        return self.working.tasking.handle(event, self._now())

    def questions(self) -> Sequence["Open"]:
        """What the person here is asked."""
        return [] if self._working is None else self._working.questions.all()

    def pressed(self, key: str, action: str) -> QuestionAnswered | None:
        """Return what the button of a notice means, if the notice is a question's."""
        for asked in self.questions():
            if asked.job == key and action in (buttons := buttons_of(asked.question.choices)):
                return QuestionAnswered(key, buttons[action])
        return None

    def leave(self) -> Sequence[Effect]:
        """We end on purpose."""
        return self.handle(Leaving()) if self._working is not None else []

    def ledger_grew(self) -> Sequence[Effect]:
        """Members may have gone."""
        return [] if self._working is None else self._working.tasking.ledger_grew(self._now())

    def _run(self, task: RunTask) -> None:
        self.working.run(task)

    def _stop(self, task: StopTask) -> None:
        self.working.stop(task)

    async def settle(self) -> None:
        """End what runs."""
        if self._working is not None:
            await self._working.settle()


def buttons_of(choices: Sequence[str]) -> dict[str, str]:
    """The choices by the names of their buttons."""
    return {f"choice-{number}": choice for number, choice in enumerate(choices)}


def _is_about_tasks(event: object) -> bool:
    return isinstance(event, TaskEvent) or (isinstance(event, Arrived) and type(event.params) in TYPE_OF)
