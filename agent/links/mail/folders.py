"""Our own folders in a mailbox, named as its server names folders."""

from typing import Any

OURS, PROCESSED, REFUSED = "No More Running", "Processed", "Refused"


class Folders:
    """Where mails of ours go; `imap` is a Connection that is logged in. For one thread; raises what that raises."""

    def __init__(self, imap: Any) -> None:
        self._imap = imap
        self._root: str | None = None
        self._made: set[str] = set()

    def ensured(self, name: str) -> str:
        """The full name of one of our folders, which is there."""
        path = self.path(name)
        if path not in self._made:
            if not self._imap.folder_exists(path):
                self._imap.create_folder(path)
            self._made.add(path)
        return path

    def path(self, name: str) -> str:
        """The full name of one of our folders."""
        if self._root is None:
            prefix, separator = self._namespace()
            self._root = f"{prefix}{OURS}{separator}"
        return self._root + name

    def forget(self) -> None:
        """Somebody may have removed a folder: make sure of each again."""
        self._made.clear()

    def _namespace(self) -> tuple[str, str]:
        """What stands before the names of this account's folders and between their levels."""
        if self._imap.has_capability("NAMESPACE"):
            personal = self._imap.namespace().personal
            if personal:
                return personal[0][0], personal[0][1] or ""
        _, separator, _ = self._imap.list_folders("", "")[0]
        return "", separator.decode("ascii") if separator else ""
