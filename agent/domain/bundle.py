"""A station's keys towards its hub: the PSK of the day and the backup that renews it."""

from msgspec import Struct

ID_BYTES, KEY_BYTES = 8, 32


class Bundle(Struct, frozen=True):
    """Generation `gen` of a station's keys; ids are 8 bytes, keys 32, `not_after` is ms UTC.

    Its text never shows a key, so that none comes into a log or a traceback.
    """

    gen: int
    psk_id: bytes
    psk: bytes
    not_after: int
    backup_id: bytes
    backup: bytes

    def __repr__(self) -> str:
        """Say which one it is and nothing of what it holds."""
        return f"Bundle(gen={self.gen}, psk_id={self.psk_id.hex()}, not_after={self.not_after})"
