"""Takes out of texts whatever could name somebody or something: what stays are words that the program itself uses."""

import builtins
import errno
import json
import os
import re
import sqlite3
import ssl
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any

from agent.system.log import shown

# A log line, as system/log writes it: time level logger event key=value ...; a text is in quotes, escaped as JSON.
_FIELD = r'[\w.:-]+=(?:"(?:\\.|[^"\\])*"|[^ "]+)'
LINE = re.compile(rf"([0-9T:.-]+Z) ([A-Z]+) ([\w.:-]+) ([\w.:-]+)((?: {_FIELD})*)", re.ASCII)
_FIELDS = re.compile(r' ([\w.:-]+)=("(?:\\.|[^"\\])*"|[^ "]+)', re.ASCII)
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?|true|false|null", re.ASCII)
_ID = re.compile(r"[0-9a-f]{32}")
_PLACES = re.compile(r"\w+:\d+( < \w+:\d+)*", re.ASCII)

_TOKEN = re.compile(r"[\w@.:/\\+~%$#&=-]+")
_EDGES = ".:/\\-=+~%$#&"
_JOINTS = re.compile(r"[-_./:\\@=]+")
_SHORT_NUMBER = re.compile(r"\d{1,3}(\.\d{1,2})?", re.ASCII)

NAMES = frozenset(
    {"station", "stations", "person", "roles", "role", "site", "peer", "subject", "sender", "url", "host", "live"}
)
"""Fields whose value is a name or an address, whatever words it is made of."""
IDS = frozenset({"page", "order", "id", "re", "key"})
"""Fields that hold the random number of a message: it says nothing to others, and finds its like in another bundle."""

OWN = (
    "http_port mqtt_port open_rows alarms signaling strangers orders stations restored counts letters answered flood"
    " mqtt p2p mail memory up down connecting refused off proven unproven proving amber failed link links agent"
    " hub broker nats mosquitto dbus winrt plyer sni native silent simpleaudio winsound paplay aplay pw play null"
    " none keyring weak storage desk ok degraded offline direct relayed open suspect away true false kind type"
    " error errno page orders pages order state name version code n ms since_ms rtt_ms seen_ms dnd_until_ms"
    " proven_ms until_ms not_after_ms detail gen seq head ledger can edit create everybody peers route refused"
    " open_rows unanswered tray notifier sound notices notice proof rings level summary findings check what title"
    " cure values ok warning failure paho aiortc tls ssl tcp udp dns http https utc websocket stun turn ice"
    " sqlite wal json toml linux windows python"
)


class Scrub:
    """Scrubs for one bundle: the same name is the same hash in it, and nobody can make that hash without `key`."""

    def __init__(self, key: bytes, names: Iterable[str], vocabulary: Iterable[str]) -> None:
        self._key = key
        self._names = {part for name in names for part in (_folded(name), *map(_folded, _words(name)))} - {""}
        self._words = set(map(_folded, vocabulary)) - self._names

    def name(self, text: str) -> str:
        """What stands for a name, an address or anything else that people chose."""
        return "#" + blake2b(_folded(text).encode("utf-8", "replace"), key=self._key, digest_size=5).hexdigest()

    def text(self, text: str) -> str:
        """A text in which only the program's own words are left; never two numbers in a row."""
        pieces, end, number = [], 0, False
        for found in _TOKEN.finditer(text):
            token, core = found[0], found[0].strip(_EDGES)
            pieces.append(text[end : found.start()])
            end = found.end()
            keeps = (not number and _SHORT_NUMBER.fullmatch(core)) or self._known(core)
            pieces.append(token if keeps or not core else token.replace(core, self.name(core), 1))
            number = core[:1].isdecimal()
        return "".join([*pieces, text[end:]])

    def value(self, value: Any, key: str = "") -> Any:
        """A value as JSON has it, scrubbed; `key` is the field it stands in."""
        if isinstance(value, Mapping):
            return {self._field_name(str(name)): self.value(one, str(name)) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(one, key) for one in value]
        if isinstance(value, str):
            return self._string(value, key)
        return value if value is None or isinstance(value, bool | int | float) else self.name(str(value))

    def line(self, line: str) -> str | None:
        """A line of a log; None for what is none."""
        found = LINE.fullmatch(line)
        if found is None:
            return None
        head = " ".join(found.group(1, 2, 3, 4))
        return head + "".join(f" {key}={self._field(key, value)}" for key, value in _FIELDS.findall(found[5]))

    def _field_name(self, name: str) -> str:
        return name if name in NAMES | IDS else self.text(name)

    def _field(self, key: str, value: str) -> str:
        if _NUMBER.fullmatch(value):
            return value
        try:
            said = json.loads(value)
        except ValueError:
            said = value
        return shown(self._string(str(said), key))

    def _string(self, text: str, key: str) -> str:
        if key in NAMES:
            return self.name(text) if text else ""
        if (key in IDS and _ID.fullmatch(text)) or (key == "at" and _PLACES.fullmatch(text)):
            return text
        return self.text(text)

    def _known(self, core: str) -> bool:
        """Whether this is a word of ours, or several joined."""
        folded = _folded(core)
        if folded in self._names:
            return False
        parts = [part for part in _JOINTS.split(folded) if part]
        return bool(parts) and (
            folded in self._words or all(part in self._words and not part.isdecimal() for part in parts)
        )


def vocabulary(*texts: Iterable[str]) -> Iterator[str]:
    """Words that say nothing about anybody: the program's own, the system's errors, the names of exceptions."""
    yield from OWN.split()
    for table in texts:
        for text in table:
            yield from _words(text)  # the names of what it is filled with as well: they are fields in reports
    for number in errno.errorcode:
        yield from _words(os.strerror(number))
    for module in (builtins, ssl, sqlite3):
        yield from (name for name, one in vars(module).items() if isinstance(one, type) and issubclass(one, Exception))


def _words(text: str) -> list[str]:
    return [word for token in _TOKEN.findall(text) for word in (token.strip(_EDGES), *_JOINTS.split(token)) if word]


def _folded(text: str) -> str:
    return text.casefold().strip(_EDGES)
