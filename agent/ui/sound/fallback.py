"""Several players as one: each sound is played by the first that can."""

import asyncio
import logging
from collections.abc import Sequence

from agent.ui.reason import reason
from agent.ui.sound.base import Played, Player, Tone

_log = logging.getLogger(__name__)


class Fallback:
    """Tries `players` in their order, for every sound anew: headphones come and go.

    Whatever one of them raises against the rules becomes the reason why it did not play.
    """

    def __init__(self, players: Sequence[Player]) -> None:
        self._players = tuple(players)
        self._last = self._players[0]
        self._turn = asyncio.Lock()  # a stop while one player after another is tried comes after the last

    @property
    def name(self) -> str:
        """The player that played last; before that, the first one."""
        return self._last.name

    async def play(self, tone: Tone) -> Played:
        """Start `tone`; when nobody could, `why` names each player and its reason."""
        async with self._turn:
            failed = []
            for player in self._players:
                played = await _play(player, tone)
                if played.ok:
                    before, self._last = self._last, player
                    if before is not player:
                        await _stop(before)
                    return played
                failed.append(f"{player.name}: {played.why}")
        return Played(ok=False, by=self._players[-1].name, why="; ".join(failed))

    async def stop(self) -> None:
        """Be quiet now."""
        async with self._turn:
            for player in self._players:
                await _stop(player)


async def _play(player: Player, tone: Tone) -> Played:
    try:
        return await player.play(tone)
    except Exception as error:  # noqa: BLE001 - the next one may work
        return Played(ok=False, by=player.name, why=reason(error))


async def _stop(player: Player) -> None:
    try:
        await player.stop()
    except Exception as error:  # noqa: BLE001 - the others shall stop too
        _log.warning("player %s does not stop: %s", player.name, reason(error))
