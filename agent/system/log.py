r"""Log files: one line for each event, whatever a stranger put into its values, and never the text of a message.

    2026-11-21T07:35:02.114Z INFO station.app page-sent page="6f1c…" link="mqtt" ms=3

Values are JSON. A value is cut at 200 bytes as written; whatever is no printable character is written as \uXXXX, so a
value can neither begin a line of its own nor steer a terminal.
"""

import contextlib
import json
import logging
import os
import re
import time
import traceback
from collections.abc import Mapping
from io import TextIOWrapper
from pathlib import Path

from agent.system.sparing import later

with later("pickle"):  # only for logging over the network
    from logging.handlers import RotatingFileHandler

LONGEST_VALUE = 200
_FRAMES = 12
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9_.:-]")
_LEVELS = logging.getLevelNamesMapping()


def event(logger: logging.Logger, name: str, level: int = logging.INFO, /, **fields: object) -> None:
    """Write that `name` happened: `event(log, "page-sent", page=id, ms=3)`; fields are ids, numbers, states."""
    if logger.isEnabledFor(level):
        logger.log(level, name, extra={"fields": fields})


def open_log(
    folder: Path, name: str, *, level: str = "info", keep_files: int = 5, megabytes: int = 2
) -> logging.Handler:
    """Write all loggers of this process to `folder/name.log` from now on; the arguments are those of `[log]`."""
    log = _LogFile(
        folder / f"{name}.log", maxBytes=megabytes << 20, backupCount=keep_files - 1, encoding="utf-8", delay=True
    )
    log.setFormatter(OneLine())
    root = logging.getLogger()
    root.addHandler(log)
    set_level(level)
    return log


def set_level(level: str) -> None:
    """Write events from `level` ("debug", "info", "warning", "error") on."""
    logging.getLogger().setLevel(_LEVELS[level.upper()])


def close_log(log: logging.Handler) -> None:
    """Write nothing more to `log`."""
    logging.getLogger().removeHandler(log)
    with contextlib.suppress(OSError):  # a full disk, once more
        log.close()


class OneLine(logging.Formatter):
    """Any record, our own or a library's, as one line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        fields = getattr(record, "fields", None)
        name = record.msg if isinstance(fields, Mapping) else "said"
        if not isinstance(fields, Mapping):
            fields = {"text": _message(record)}
        if record.exc_info and record.exc_info[1]:
            fields = {**fields, **_failure(record.exc_info[1])}
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        head = f"{moment}.{int(record.msecs):03}Z {record.levelname} {_plain(record.name)} {_plain(name)}"
        return " ".join([head, *(f"{_plain(key)}={shown(value)}" for key, value in fields.items())])


def shown(value: object) -> str:
    """`value` as JSON of at most LONGEST_VALUE bytes in one line of printable characters."""
    if value is None or isinstance(value, bool | int | float):
        number = json.dumps(value) if not isinstance(value, int) or value.bit_length() <= LONGEST_VALUE else hex(value)
        return number[:LONGEST_VALUE]
    if isinstance(value, bytes | bytearray | memoryview):
        value = bytes(value[:LONGEST_VALUE]).hex()
    text, room = str(value), LONGEST_VALUE - len('""')
    if len(text) * 4 <= room and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'  # nearly always
    pieces = [_escaped(letter) for letter in text[: LONGEST_VALUE + 1]]
    whole = "".join(pieces)
    return f'"{whole}"' if len(whole.encode()) <= room else f'"{_cut(pieces, room - len("…".encode()))}…"'


def _cut(pieces: list[str], room: int) -> str:
    """As many pieces as fit into `room` bytes, none of them broken."""
    kept = []
    for piece in pieces:
        room -= len(piece.encode())
        if room < 0:
            break
        kept.append(piece)
    return "".join(kept)


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return f"\\{letter}"
    return letter if letter.isprintable() else json.dumps(letter)[1:-1]


def _plain(name: object) -> str:
    """A name of ours stays as it is; anything else loses what could end a field."""
    return _NOT_PLAIN.sub("_", str(name))[:80]


def _message(record: logging.LogRecord) -> str:
    """What a library said; wrong arguments of its format must not cost the line."""
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - a value's own __str__ may do anything
        return str(record.msg)


def _failure(error: BaseException) -> dict[str, str]:
    """What was raised and where, innermost first; no source lines, they could hold secrets."""
    frames = list(traceback.walk_tb(error.__traceback__))[-_FRAMES:]
    where = " < ".join(f"{Path(frame.f_code.co_filename).stem}:{line}" for frame, line in reversed(frames))
    return {"error": f"{type(error).__name__}: {error}", "at": where}


class _LogFile(RotatingFileHandler):
    """A rotating file readable by its owner only, which never costs the program more than a line."""

    def _open(self) -> TextIOWrapper:
        def private(path: str, flags: int) -> int:
            return os.open(path, flags, 0o600)

        return open(self.baseFilename, "a", encoding="utf-8", opener=private)

    def doRollover(self) -> None:  # noqa: N802 - the library's name
        """Begin a new file; where Windows refuses because somebody reads the old one, go on with that."""
        with contextlib.suppress(OSError):
            super().doRollover()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """A full disk loses log lines and nothing else."""
