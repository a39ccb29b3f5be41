"""What was refused, how often, and one log line for each."""

import logging
from collections import Counter
from hashlib import sha256

from agent.links.base import Delivery
from agent.wire.frame import FrameRefused

log = logging.getLogger("agent.refused")

PREFIX = 24


class Refusals:
    """Counters by code, and the log line of requirement N-60."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def note(self, refused: FrameRefused, delivery: Delivery) -> None:
        """Count a refusal and log its hash, length and a safe prefix; never the payload itself.

        What comes too fast was not even looked at: of a flood only the 1st, 2nd, 4th, 8th .. is logged.
        """
        self.counts[refused.code] = count = self.counts[refused.code] + 1
        if refused.code == "rate":
            if count & (count - 1) == 0:
                log.warning("Too Many Payloads: link=%s peer=%r count=%d", delivery.link, delivery.sender, count)
            return
        log.warning(
            "Invalid Payload Received: code=%s why=%r link=%s peer=%r bytes=%d sha256=%s prefix=%s",
            refused.code,
            str(refused)[:120],
            delivery.link,
            delivery.sender,
            len(delivery.sealed),
            sha256(delivery.sealed).hexdigest()[:16],
            delivery.sealed[:PREFIX].hex(),
        )
