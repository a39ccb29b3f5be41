"""Check of the autostart: whether the agent will be there after the next login."""

import re
import sys

from agent.station.doctor.finding import Finding, Findings
from agent.station.doctor.sight import Sight

STARTS_US = re.compile(
    r"\bnmrc?(\.exe)?\b[\"']?\s.*\brun\b|\bnmr\.exe\b|-m agent\b.*\brun\b|/no-more-running/bin/stay\b"
)
"""A command line that starts the agent, by itself or through what the packages bring; its entry may have any name."""


async def autostart(sight: Sight) -> list[Finding]:  # noqa: ARG001 - every check gets it
    """Whether the system starts the agent by itself."""
    found = Findings("autostart")
    # Windows:
    if sys.platform == "win32":
        from agent.station.doctor.autostart_windows import entries
    # Linux:
    else:
        from agent.station.doctor.autostart_linux import entries
    there = entries(STARTS_US)
    on = [place for place, enabled in there.items() if enabled]
    if len(on) > 1:
        return [found.warning("twice", places=", ".join(on))]
    if on:
        return [found.ok(place=on[0])]
    if there:
        return [found.warning("switched-off", place=next(iter(there)))]
    return [found.warning("missing")]
