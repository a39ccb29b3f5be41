"""The one grammar of names: site, station, person and role."""

import re

HUB = "hub"
"""The station name of the site's server; no other station can have it."""

NAME = r"[a-z0-9][a-z0-9-]{0,31}"
NAME_PATTERN = rf"\A{NAME}\Z"
ID_PATTERN = r"\A[0-9a-f]{32}\Z"

_name = re.compile(NAME)


def is_name(text: str) -> bool:
    """Whether `text` may name a site, station, person or role (never `+ # / $ .`)."""
    return _name.fullmatch(text) is not None


def to_name(text: str) -> str:
    """Return the nearest legal name for what a person typed ("Front Desk" -> "front-desk"); "" if there is none."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:32].strip("-")
