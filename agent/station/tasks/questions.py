"""Questions before the person here: tasks of the type "ask", open until somebody answers or the worker lets go."""

import json
from dataclasses import dataclass

from agent.domain.asking import Question
from agent.domain.errors import BadInput
from agent.domain.task import Outcome, RunTask


@dataclass(frozen=True, slots=True)
class Open:
    """One question, with the job and run that its answer ends."""

    job: str
    run: int
    owner: str
    question: Question


class Questions:
    """By job; a job is named by the task and whoever asked for it."""

    def __init__(self) -> None:
        self._open: dict[str, Open] = {}

    def ask(self, task: RunTask, data: bytes) -> Open | Outcome:
        """Put a question before the person; what is none fails at once."""
        try:
            question = Question.from_wire(json.loads(data))
        except (ValueError, RecursionError, BadInput) as error:
            return Outcome(ok=False, code="not-json", why=str(error))
        asked = self._open[task.job] = Open(task.job, task.run, task.owner, question)
        return asked

    def drop(self, job: str, run: int) -> bool:
        """Take a question away; False if it is not there."""
        asked = self._open.get(job)
        if asked is None or asked.run != run:
            return False
        del self._open[job]
        return True

    def answer(self, job: str, said: object) -> tuple[Open, Outcome]:
        """Take an answer in; raises BadInput for one that does not fit, and the question stays."""
        asked = self._open.get(job)
        if asked is None:
            raise BadInput("No such question", "It is answered or taken back", code="no-such-task", field="task")
        reply = asked.question.reply(said)
        del self._open[job]
        return asked, Outcome(ok=True, data=json.dumps(reply.to_wire(), ensure_ascii=False).encode())

    def all(self) -> list[Open]:
        """Every open question, the oldest first."""
        return list(self._open.values())
