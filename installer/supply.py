"""What is shipped and under which licences, read from the libraries themselves as they lie in a finished package."""

import email.parser
import re
from dataclasses import dataclass
from pathlib import Path

ALLOWED = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "EPL-2.0", "ISC", "MIT", "MIT-0"),
    *("MIT-CMU", "MPL-2.0", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib"),
    *("LGPL-2.1-or-later", "LGPL-3.0-or-later", "LGPL-3.0-only"),
}
"""Licences that ask of us no more than their text beside the program; the LGPL is kept by shipping sources."""

# What makers write who do not use the names of SPDX.
_SPELLINGS = {
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd license": "BSD-3-Clause",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
    "lgplv2+": "LGPL-2.1-or-later",
    "lgplv3": "LGPL-3.0-only",
}
# Of makers whose libraries bring no text: a file for all libraries whose names begin like it.
_OUR_COPIES = Path(__file__).resolve().parent / "licences"
# Whose metadata says nothing; read from the licence they bring.
_UNSAID = {"imapclient": "BSD-3-Clause"}

_LICENCE_FILE = re.compile(r"(licen[cs]e|copying|notice|copyright|authors)", re.IGNORECASE)
_FREE_TEXT = 60
"""Some makers put the whole licence where its name belongs; that is longer."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """One library as shipped: its licence in the language of SPDX ("" if it says none), and the texts it brings."""

    name: str
    version: str
    licence: str
    texts: tuple[Path, ...]


def shipped(packages: Path) -> list[Distribution]:
    """Every library below a `site-packages`, by name."""
    found = [_distribution(folder) for folder in packages.glob("*.dist-info")]
    return sorted(found, key=lambda one: one.name)


def refused(distributions: list[Distribution]) -> list[str]:
    """A line for each library that may not be shipped: no licence, no text of it, or one that is not allowed."""
    lines = []
    for one in distributions:
        if not one.licence:
            lines.append(f"{one.name} {one.version} names no licence")
        elif not _is_allowed(one.licence):
            lines.append(f"{one.name} {one.version} is under {one.licence}")
        if not one.texts:
            lines.append(f"{one.name} {one.version} brings no text of its licence")
    return lines


def licences_text(distributions: list[Distribution]) -> str:
    """One document with the licence of each library, as its makers ask."""
    parts = ["No More Running is under the MIT licence. It comes with these libraries, each under its own:\n"]
    parts += [f"  {one.name} {one.version}: {one.licence}" for one in distributions]
    for one in distributions:
        parts += [f"\n{'=' * 100}\n{one.name} {one.version} ({one.licence})\n"]
        parts += [f"--- {path.name}\n\n{_read(path)}" for path in one.texts]
    return "\n".join(parts) + "\n"


def normal(name: str) -> str:
    """A library's name as package registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _distribution(folder: Path) -> Distribution:
    said = email.parser.Parser().parsestr(_read(folder / "METADATA"), headersonly=True)
    name = normal(str(said["Name"]))
    texts = sorted(path for path in folder.rglob("*") if path.is_file() and _LICENCE_FILE.match(path.name))
    copy = _OUR_COPIES / f"{name.partition('-')[0]}.txt"
    if not texts and copy.exists():
        texts = [copy]
    classifiers = [str(one) for one in said.get_all("Classifier", [])]
    licence = _licence(said["License-Expression"], said["License"], classifiers) or _UNSAID.get(name, "")
    return Distribution(name, str(said["Version"]), licence, tuple(texts))


def _licence(expression: str | None, free: str | None, classifiers: list[str]) -> str:
    if expression:
        return expression
    words = (free or "").strip()
    if words and len(words) <= _FREE_TEXT:
        return _spelled(words)
    names = [one.rpartition(" :: ")[2] for one in classifiers if one.startswith("License :: ")]
    return " OR ".join(_spelled(name) for name in names)


def _spelled(words: str) -> str:
    return _SPELLINGS.get(words.lower(), words)


def _is_allowed(licence: str) -> bool:
    """Whether one side of an "or" has nothing but allowed licences; brackets are beyond this, and so refused."""
    choices = re.split(r"\s+OR\s+", licence)
    return any(all(part in ALLOWED for part in re.split(r"\s+AND\s+", choice)) for choice in choices)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
