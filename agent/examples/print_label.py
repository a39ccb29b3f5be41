"""A task: put a label where the label printer looks for work, as plain text or in its own language (ZPL).

    [[task]]
    type = "print-label"
    command = ["{python}", "-m", "agent.examples.print_label", "/var/spool/labels", "zpl"]

    data     {"lines": ["Order 17", "Table 4"], "copies": 2, "name": "order-17"}     copies and name may be left out
    result   {"file": "order-17.zpl", "copies": 2}

A label of the same name takes the place of the one before: a task done twice is one label. Without a name the content
gives it one.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from agent.domain.names import to_name
from agent.examples.speech import do

USAGE = "Usage: python -m agent.examples.print_label FOLDER [text|zpl]"
MOST_LINES, LONGEST_LINE, MOST_COPIES = 20, 80, 100
_LINE_DOTS, _LETTER_DOTS = 50, 40


def main(words: Sequence[str]) -> int:
    """Print one label; FOLDER is where labels go."""
    kind = words[1] if len(words) > 1 else "text"
    if not words or kind not in ("text", "zpl"):
        sys.stderr.write(f"{USAGE}\n")
        return 2
    return do(lambda data: put(Path(words[0]), kind, data))


def put(folder: Path, kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Write the label's file; raises ValueError for what is no label, OSError where the folder is not there."""
    lines, copies = _lines(data["lines"]), data.get("copies", 1)
    if not isinstance(copies, int) or isinstance(copies, bool) or not 1 <= copies <= MOST_COPIES:
        raise ValueError(f"copies is a number from 1 to {MOST_COPIES}")
    content = zpl(lines, copies) if kind == "zpl" else "\f".join(["\n".join(lines) + "\n"] * copies)
    name = _name(str(data.get("name", "")), content)
    file = folder / f"{name}.{'zpl' if kind == 'zpl' else 'txt'}"
    # The printer's program may look at any moment: a label is there as a whole or not at all.
    new = file.with_suffix(f".{os.getpid()}.new")
    new.write_text(content, encoding="utf-8")
    new.replace(file)
    return {"file": file.name, "copies": copies}


def _name(wanted: str, content: str) -> str:
    """A name for the file: what is in it stands for what is `wanted` and for nothing else."""
    near = to_name(wanted)
    if near and near == wanted.lower().replace(" ", "-"):
        return near
    told = sha256((wanted or content).encode(errors="replace")).hexdigest()[:16]
    return f"{near[:15]}-{told}".lstrip("-")


def zpl(lines: Sequence[str], copies: int) -> str:
    """The label in ZPL; no text can become a command: its ^, ~ and _ are written as hexadecimal numbers (^FH)."""
    fields = [
        f"^FO40,{40 + row * _LINE_DOTS}^A0N,{_LETTER_DOTS}^FH_^FD{_escaped(line)}^FS" for row, line in enumerate(lines)
    ]
    return "\n".join(["^XA^CI28", *fields, f"^PQ{copies}^XZ", ""])


def _escaped(text: str) -> str:
    return "".join(f"_{ord(sign):02X}" if sign in "_^~" else sign for sign in text)


def _lines(given: object) -> list[str]:
    right = isinstance(given, list) and 0 < len(given) <= MOST_LINES
    if not right or not all(isinstance(one, str) and len(one) <= LONGEST_LINE for one in cast("list[Any]", given)):
        raise ValueError(f"lines are 1 to {MOST_LINES} texts of at most {LONGEST_LINE} characters")
    lines = cast("list[str]", given)
    if not all(line.isprintable() for line in lines):
        raise ValueError("a line holds a sign that cannot be printed")
    return lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
