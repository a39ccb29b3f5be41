"""Errors for people: each has a title, a message that says what to do, and an exit code.

NmrError                exit  1   something could not be done
├── BadInput            exit  2   what the user typed or sent is not possible
├── Unavailable         exit 69   somebody needed is not there (agent, hub, a link)
├── TryLater            exit 75   it will work later by itself
├── NotAllowed          exit 77   policy or a missing right forbids it
└── BadConfiguration    exit 78   the configuration cannot be used
"""


class NmrError(Exception):
    """Something could not be done; `message` tells a person what to do about it.

    `code` is the stable name programs may compare, such as `no-such-order`.
    `field` names the input at fault, if one is.
    """

    exit_code: int = 1
    default_code: str = "failed"

    def __init__(self, title: str, message: str = "", *, code: str | None = None, field: str | None = None) -> None:
        super().__init__(title, message)
        self.title = title
        self.message = message
        self.code = code or self.default_code
        self.field = field

    def __str__(self) -> str:
        return f"{self.title}. {self.message}" if self.message else self.title

    def to_wire(self) -> dict[str, object]:
        """The error object of the control socket: {code, title, message, field, exit}."""
        return {
            "code": self.code,
            "title": self.title,
            "message": self.message,
            "field": self.field,
            "exit": self.exit_code,
        }


class BadInput(NmrError):
    """What the user typed or sent is not possible."""

    exit_code = 2
    default_code = "bad-input"


class Unavailable(NmrError):
    """Somebody needed is not there: the agent, the hub, a link."""

    exit_code = 69
    default_code = "unavailable"


class TryLater(NmrError):
    """It does not work now and will work later by itself."""

    exit_code = 75
    default_code = "try-later"


class NotAllowed(NmrError):
    """Policy or a missing right forbids it."""

    exit_code = 77
    default_code = "not-allowed"


class BadConfiguration(NmrError):
    """The configuration cannot be used."""

    exit_code = 78
    default_code = "bad-configuration"


_BY_EXIT_CODE: dict[object, type[NmrError]] = {
    kind.exit_code: kind for kind in (BadInput, Unavailable, TryLater, NotAllowed, BadConfiguration)
}


def from_wire(wire: object) -> NmrError:
    """The error that `to_wire` wrote, as the same class; what nobody can read becomes a plain NmrError."""
    match wire:
        case {"code": str(code), "title": str(title), "message": str(message), "exit": int(exit_code), **rest}:
            named = rest.get("field")
            error = _BY_EXIT_CODE.get(exit_code, NmrError)(
                title, message, code=code, field=named if isinstance(named, str) else None
            )
            error.exit_code = exit_code
            return error
    return NmrError(
        "The answer cannot be understood", "Both sides may differ in version. Run: nmr doctor", code="internal"
    )
