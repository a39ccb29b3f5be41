"""What IT left in a file for the first start."""

import tomllib
from pathlib import Path

from agent.domain.errors import BadConfiguration

NAMES = ("invite", "site_url")


def read_file(file: Path) -> dict[str, str]:
    """The values that are there; raises BadConfiguration naming the file if it is not as it should be."""
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise _wrong(file, str(error)) from error
    for name, value in found.items():
        if name not in NAMES or not isinstance(value, str):
            raise _wrong(file, f"“{name}” is not one of: {', '.join(NAMES)}, each a text")
    return found


def _wrong(file: Path, why: str) -> BadConfiguration:
    return BadConfiguration("What IT left for the first start cannot be read", f"{file}: {why}", code="deployment")
