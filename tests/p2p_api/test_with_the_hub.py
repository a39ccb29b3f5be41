"""Users who enrolled with a real hub need nothing but their profiles and one list of members."""

from pathlib import Path

import pytest

from agent import p2p_api
from agent.routing import rows
from agent.system.database import open_database
from agent.system.paths import Profile
from tests.hub.scene import enrolled, running_hub
from tests.p2p_api.scene import User, run, until

pytestmark = pytest.mark.servers


def test_enrolled_users_meet_over_the_hub_with_the_list_that_one_agent_keeps(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna, bert = [User((await enrolled(hub, tmp_path, name, "staff")).station) for name in ("anna", "bert")]
            p2p_api.configure(tmp_path / "anna", tmp_path / "bert")
            try:
                await anna.listen()
                await bert.listen()
                with pytest.raises(p2p_api.UnknownUser, match="nmr run"):
                    await anna.connect(bert.name)
                store = open_database(Profile.at(tmp_path / "bert").data_file, rows.MIGRATIONS).connection
                for seq, frame in enumerate(hub.engine.core.frames, 1):
                    rows.keep(store, "ledger", f"{seq:012d}", frame)
                store.close()
                await anna.connect(bert.name)
                await anna.say(bert.name, "over the hub")
                await until(lambda: bert.came == [(anna.name, "over the hub")])
            finally:
                await p2p_api.close_all_p2p_connections()
                p2p_api.configure()

    run(walk())
