"""The settings of a worker: whether it takes tasks, and the program each type of task runs."""

from typing import Annotated

from msgspec import Meta, Struct

from agent.domain.asking import ASK
from agent.domain.names import is_name
from agent.system.config.values import text_of

MOST_TYPES = 64
MOST_WORDS = 64
LONGEST_WORD = 1000


def is_type(text: str) -> bool:
    """Whether a program may be given for this type of task; a person is asked without one."""
    return is_name(text) and text != ASK


def is_word(text: str) -> bool:
    """Whether it may be a word of a command."""
    return 0 < len(text) <= LONGEST_WORD and text.isprintable()


class Worker(Struct, frozen=True, kw_only=True):
    """Whether this station does tasks for others."""

    enabled: Annotated[bool, Meta(description="Say that tasks are done here, and do them")] = False
    at_once: Annotated[int, Meta(ge=1, le=64, description="Tasks at the same time, of all types together")] = 2


class TaskType(Struct, frozen=True, kw_only=True):
    """One type of task that may be done here, and the program that does it; write the table once for each."""

    type: Annotated[
        str,
        text_of(f'1 to 32 of a-z, 0-9 and -, not - first, not "{ASK}"', is_type, "What others call it"),
    ]
    command: Annotated[
        tuple[Annotated[str, text_of(f"a text of 1 to {LONGEST_WORD} characters in one line", is_word)], ...],
        Meta(
            max_length=MOST_WORDS,
            description="The program and its words, fixed and without a shell; "
            '"{python}" is the Python of No More Running, "{agent}" the address of its local socket',
        ),
    ]
    seconds: Annotated[int, Meta(ge=1, le=86400, description="Seconds it may take")] = 60
    megabytes: Annotated[int, Meta(ge=16, le=65536, description="Memory it may take, in MiB")] = 256
    output_kib: Annotated[int, Meta(ge=1, le=12288, description="What it may say in all, in KiB")] = 1024
    at_once: Annotated[int, Meta(ge=1, le=64, description="Tasks of this type at the same time")] = 1
    once: Annotated[bool, Meta(description="Never begin one again by itself; a person decides")] = False
