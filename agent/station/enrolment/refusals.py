"""What a failed enrolment means for a person; the hub's own words are never shown."""

from agent.domain.errors import NmrError, NotAllowed, Unavailable


def wrong_hub(why: str) -> NmrError:
    """It is not the hub of the invite, or lies."""
    return NmrError(
        "This is not the hub of the invite",
        f"Nothing was given to it ({why}). Compare the hub's address with the invite, and tell IT",
        code="wrong-hub",
    )


def another_station(renews: str, mine: str) -> NmrError:
    """The invite gives one station new keys, and this computer is none or another; `mine` is what it is, or ""."""
    told = f"This computer is “{mine}”" if mine else "This computer is no station, or its own keys are lost"
    return NotAllowed(
        f"This invite is only for the station “{renews}”",
        f"{told}. Use it on the computer it was made for, or ask IT for an invite of your own",
        code="another-station",
    )


def explained(code: str) -> NmrError:
    """The hub's refusal `code` in words."""
    match code:
        case "invite-expired":
            return NotAllowed("The invite has expired", "Ask IT for a new one", code=code)
        case "invite-used":
            return NotAllowed(
                "The invite was used already", "Each is for one computer. Ask IT for a new one", code=code
            )
        case "invite-claimed":
            message = "IT was warned. If that was not you either, do not go on: ask IT for a new one"
            return NotAllowed("Another computer has used this invite", message, code=code)
        case "invite-unknown":
            message = "It is of another site, or IT took it back. Compare the hub's address, or ask IT for a new one"
            return NotAllowed("The hub does not know this invite", message, code=code)
        case "hub-busy":
            return Unavailable("The hub cannot enrol now", "Try again in a minute; tell IT if it stays", code=code)
    return NmrError("The hub refused the enrolment", f"It answered “{code}”. Tell IT", code=code)
