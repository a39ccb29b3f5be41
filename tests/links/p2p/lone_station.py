"""A station in a process of its own, for tests that stop or kill it: it keeps its link up until it is ended.

Reads one line of JSON: {"station", "port", "keys": {station: [sign, receive]}, "warm": [stations]}, and prints "up".
"""

import asyncio
import json
import sys

from agent.links.keeper import LinkState, keep_up
from agent.wire.keys import Identity
from tests.links.p2p.place import SITE, Place


async def main() -> None:
    """Stay."""
    told = json.loads(sys.stdin.readline())
    here = Place()
    for station, (sign, receive) in told["keys"].items():
        here.members[station] = Identity.of(SITE, station, bytes.fromhex(sign), bytes.fromhex(receive))
    here.relay.port = told["port"]

    def changed(state: LinkState) -> None:
        print(state.state, flush=True)  # noqa: T201 - whoever started us waits for it

    link = here.link(told["station"], warm=lambda: told["warm"])
    await keep_up(link, opened=lambda _: None, arrived=lambda delivery: delivery.accept(), changed=changed)


if __name__ == "__main__":
    asyncio.run(main())
