"""One short line that says why something of the system failed."""

LONGEST = 160
"""Characters; a reason stands in a receipt and in one line of the status."""


def reason(error: BaseException) -> str:
    """Why `error` happened, for the status and the log: one line, its own words before the name of its type."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= LONGEST else words[: LONGEST - 1] + "…"
