"""A station's keys towards its hub: the PSK of the day and the backup that renews it."""

from msgspec import Struct

from agent.domain.envelope import DAY_MS

ID_BYTES, KEY_BYTES = 8, 32
LIFE_MS = 30 * DAY_MS
"""How long a bundle is good, unless the hub says otherwise, milliseconds."""


class Bundle(Struct, frozen=True):
    """Generation `gen` of a station's keys; ids are 8 bytes, keys 32, `not_after` is ms UTC, `life_ms` its whole life.

    Its text never shows a key, so that none comes into a log or a traceback.
    """

    gen: int
    psk_id: bytes
    psk: bytes
    not_after: int
    backup_id: bytes
    backup: bytes
    life_ms: int = LIFE_MS

    @property
    def whole(self) -> bool:
        """Whether everything in it has the length it must have."""
        ids, keys = (self.psk_id, self.backup_id), (self.psk, self.backup)
        return all(len(id_) == ID_BYTES for id_ in ids) and all(len(key) == KEY_BYTES for key in keys)

    def __repr__(self) -> str:
        """Say which one it is and nothing of what it holds."""
        return f"Bundle(gen={self.gen}, psk_id={self.psk_id.hex()}, not_after={self.not_after})"


class Held(Struct, frozen=True):
    """What the hub has on disk for a station."""

    current: Bundle
    pending: Bundle | None = None

    def of_psk(self, psk_id: bytes) -> Bundle | None:
        """The bundle with this PSK."""
        return next((bundle for bundle in self.both if bundle.psk_id == psk_id), None)

    def of_backup(self, backup_id: bytes) -> Bundle | None:
        """The bundle with this backup."""
        return next((bundle for bundle in self.both if bundle.backup_id == backup_id), None)

    @property
    def both(self) -> tuple[Bundle, ...]:
        """The current one and, if there is one, the pending one."""
        return (self.current,) if self.pending is None else (self.current, self.pending)

    def refusal(self, gen: int) -> str:
        """Why a key of generation `gen` that is none of ours is refused.

        A station gets newer keys from its hub only: one that has them knows more than we do, whatever is pending here.
        """
        if gen < self.current.gen:
            return "replaced"
        return "restored" if gen > self.current.gen else "unknown"
