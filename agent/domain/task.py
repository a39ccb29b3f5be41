"""What happens to tasks beside messages, told by people and by whatever runs them, and what is asked of that."""

from msgspec import Struct

from agent.domain.tasks import Blob


class Outcome(Struct, frozen=True):
    """What came of running a task: its result, or a `code` and words why there is none."""

    ok: bool
    data: bytes = b""
    code: str = ""
    why: str = ""


class TaskAsked(Struct, frozen=True):
    """Somebody here wants a task done; `role` narrows who may do it.

    It has `life_ms` for that; `tries` is how many workers may fail at it. One that may be done `once` only is never
    begun again by itself. Whoever gives it an `id` may ask again and gets the same task.
    """

    type: str
    data: bytes = b""
    role: str = ""
    once: bool = False
    life_ms: int = 24 * 60 * 60_000
    tries: int = 3
    id: str = ""
    ticket: int | None = None


class TaskDropped(Struct, frozen=True):
    """Somebody here takes a task of ours back."""

    task: str
    ticket: int | None = None


class TaskAgain(Struct, frozen=True):
    """A person decided that a task which may have been begun shall be done again."""

    task: str
    ticket: int | None = None


class TaskEnded(Struct, frozen=True):
    """What runs a task here has come to an end; `job` and `run` are those of its RunTask."""

    job: str
    run: int
    outcome: Outcome


class TaskProgressed(Struct, frozen=True):
    """A task that runs here has got so far, of 1000."""

    job: str
    run: int
    done: int
    text: str = ""


class Leaving(Struct, frozen=True):
    """This station ends on purpose, or takes no tasks any more."""


class QuestionAnswered(Struct, frozen=True):
    """The person here answered a task of the type "ask"."""

    job: str
    choice: str = ""
    text: str = ""


class LoadKnown(Struct, frozen=True):
    """How busy this computer is, percent."""

    percent: int


TaskEvent = TaskAsked | TaskDropped | TaskAgain | TaskEnded | TaskProgressed | QuestionAnswered | Leaving | LoadKnown


class RunTask(Struct, frozen=True):
    """Begin a task; its data are here, or its pieces are kept (tasking/parts.py, `read_back` puts them together).

    `job` and `run` come back in TaskEnded. The type "ask" runs nothing: it is put before the person here.
    """

    job: str
    run: int
    type: str
    owner: str
    data: bytes = b""
    blob: Blob | None = None


class StopTask(Struct, frozen=True):
    """End what runs a task, whatever it has done; nothing is told of it."""

    job: str
    run: int
    why: str


class PutQuestion(Struct, frozen=True):
    """Show a question to the person here; it stays until it is taken away under `job`, as a page."""

    job: str
    owner: str
    question: str
    choices: tuple[str, ...]


class Disbelieve(Struct, frozen=True):
    """Count a message that was let in, and says what cannot be true, with those that were not let in."""

    code: str


TaskEffect = RunTask | StopTask | PutQuestion | Disbelieve
