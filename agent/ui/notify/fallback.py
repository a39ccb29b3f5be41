"""Several notifiers as one: each notice goes to the first that takes it."""

import logging
from collections.abc import Sequence

from agent.ui.notify.base import Happened, Notice, Notifier, Shown
from agent.ui.reason import reason

_log = logging.getLogger(__name__)


class Fallback:
    """Tries `notifiers` in their order, for every notice anew: a daemon that was away may be back.

    Whatever one of them raises against the rules becomes the reason why it did not show the notice.
    """

    def __init__(self, notifiers: Sequence[Notifier]) -> None:
        self._notifiers = tuple(notifiers)
        self._last = self._notifiers[0]

    @property
    def name(self) -> str:
        """The notifier that showed the last notice; before that, the first one."""
        return self._last.name

    async def start(self, happened: Happened) -> None:
        """Begin to listen for what people do with notices."""
        for notifier in self._notifiers:
            try:
                await notifier.start(happened)
            except Exception as error:  # noqa: BLE001 - the next one may work
                _log.warning("notifier %s does not start: %s", notifier.name, reason(error))

    async def show(self, notice: Notice) -> Shown:
        """Show or change a notice; when nobody took it, `why` names each notifier and its reason."""
        failed = []
        for notifier in self._notifiers:
            shown = await _show(notifier, notice)
            if shown.ok:
                self._last = notifier
                return shown
            failed.append(f"{notifier.name}: {shown.why}")
        return Shown(ok=False, by=self._notifiers[-1].name, why="; ".join(failed))

    async def close(self, key: str) -> None:
        """Take the notice away, if it is still there."""
        for notifier in self._notifiers:
            try:
                await notifier.close(key)
            except Exception as error:  # noqa: BLE001 - a notice that stays is no reason to stop working
                _log.warning("notifier %s does not close a notice: %s", notifier.name, reason(error))

    async def stop(self) -> None:
        """Close all own notices and let go of the system."""
        for notifier in self._notifiers:
            try:
                await notifier.stop()
            except Exception as error:  # noqa: BLE001 - the others shall stop too
                _log.warning("notifier %s does not stop: %s", notifier.name, reason(error))


async def _show(notifier: Notifier, notice: Notice) -> Shown:
    try:
        return await notifier.show(notice)
    except Exception as error:  # noqa: BLE001 - the next one may work
        return Shown(ok=False, by=notifier.name, why=reason(error))
