"""Check of the sound: play it, and listen at the loudspeaker's own end where the system lets us."""

import sys
from typing import TYPE_CHECKING

from agent.station.doctor.finding import Finding, Findings
from agent.station.doctor.sight import Sight
from agent.ui.sound.base import Tone
from agent.ui.sound.choose import choose_player

if TYPE_CHECKING:
    from agent.station.doctor.ear import Ear
    from agent.ui.sound.base import Played

PLAYED_S = 0.3
"""So long a sound is let ring where nobody can listen, seconds."""


async def sound(sight: Sight) -> list[Finding]:
    """Whether a page can be heard: a sink, not muted, and the sound arrives there."""
    found = Findings("sound")
    ear = await _ear()
    if ear is not None:
        if not ear.sink:
            return [found.failure("no-sink")]
        if ear.muted:
            return [found.failure("muted", sink=ear.sink)]
        if ear.volume_percent is not None and ear.volume_percent == 0:
            return [found.failure("turned-down", sink=ear.sink)]
    if not sight.sound:
        return [found.off("not-asked")]
    return [await _play(found, ear)]


async def _play(found: Findings, ear: "Ear | None") -> Finding:
    """Ring once."""
    player = await choose_player()
    heard, played = None, None
    try:
        if ear is None:
            played = await player.play(Tone.PAGE)
            await _a_moment(played)
        else:
            heard, played = await ear.listen(lambda: player.play(Tone.PAGE))
    finally:
        await player.stop()
    if not played.ok:
        return found.failure("not-played", reason=played.why)
    if heard is None:
        return found.ok("played", by=played.by)
    if not heard:
        return found.failure("not-heard", by=played.by, sink=ear.sink if ear else "-")
    return found.ok("heard", by=played.by, sink=ear.sink if ear else "-")


async def _a_moment(played: "Played") -> None:
    """Let people hear it too."""
    import asyncio

    if played.ok:
        await asyncio.sleep(PLAYED_S)


async def _ear() -> "Ear | None":
    """How to listen on this system, None where there is no way."""
    # Windows: its own monitor needs a driver's consent and a library we do not ship.
    if sys.platform == "win32":
        return None
    # Linux:
    from agent.station.doctor.ear import find_ear

    return await find_ear()
