"""The page about proofs of keys shows the machines as they are."""

from pathlib import Path

from agent.wire.acts import Row, Table
from agent.wire.diagram import MACHINES, diagram, page

COMMITTED = Path(__file__).parents[2] / "docs" / "proof-of-keys.md"


def test_the_committed_page_is_what_the_tables_say() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == page(), (
        "write it anew: python -c 'from agent.wire.diagram import page as p; print(p(), end=str())' "
        "> docs/proof-of-keys.md"
    )


def test_every_phase_of_every_machine_is_drawn() -> None:
    for start, table in MACHINES.values():
        drawn = diagram(start, table).split()
        assert {phase for phase, _ in table} <= set(drawn)


def test_what_means_nothing_is_not_drawn() -> None:
    def step() -> None:
        """It means nothing here."""

    def other() -> None:
        """It goes on."""

    table: Table = {
        ("here", int): Row(step, ("here",)),  # type: ignore[arg-type]  # only its words count
        ("here", str): Row(other, ("there",)),  # type: ignore[arg-type]  # the same
    }
    assert diagram("here", table).splitlines()[1:] == ["    [*] --> here", "    here --> there: str"]
