"""Large data in pieces: what comes is what was sent, nothing that was changed counts, and only the rest comes again."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.domain.effects import Effect, Keep
from agent.domain.keys import from_b64u, to_b64u
from agent.domain.tasks import MOST_BYTES, PIECE_BYTES, Blob, TaskGet, TaskPart
from agent.tasking.parts import Gathering, TooMuch, answers, cut, forget_all, keep_all, key_of, read_back

ID = "1" * 32


class Shelf:
    """Where pieces are kept."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def keep(self, effects: list[Effect]) -> None:
        for effect in effects:
            assert isinstance(effect, Keep)
            if effect.value is None:
                self.kept.pop(effect.id, None)
            else:
                assert isinstance(effect.value, bytes)
                self.kept[effect.id] = effect.value


def sent(data: bytes) -> tuple[Blob, Shelf]:
    """Data on the shelf of whoever sends them."""
    shelf = Shelf()
    blob, effects = keep_all(ID, "data", data)
    shelf.keep(effects)
    return blob, shelf


def fetch(blob: Blob, theirs: Shelf, ours: Shelf, most: int = 10_000) -> Gathering:
    """Fetch until everything is here."""
    gathering = Gathering("job", "data", blob, ours.kept.get)
    while (get := gathering.ask(ID, most)) is not None:
        for part in answers(ID, get, blob, theirs.kept.get):
            ours.keep(gathering.take(part))
    return gathering


def some(size: int) -> bytes:
    return Random(size).randbytes(size)


@pytest.mark.parametrize(
    "size", [1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 40 * PIECE_BYTES, 400 * PIECE_BYTES + 7, MOST_BYTES]
)
def test_what_comes_is_what_was_sent(size: int) -> None:
    data, ours = some(size), Shelf()
    blob, theirs = sent(data)
    fetch(blob, theirs, ours, 64)
    assert read_back("job", "data", blob, ours.kept.get) == data
    ours.keep(forget_all("job", "data", blob))
    assert ours.kept == {}


def test_more_than_the_limit_and_nothing_are_refused() -> None:
    for data in (bytes(MOST_BYTES + 1), b""):
        with pytest.raises(TooMuch):
            cut(data)


@settings(max_examples=60)
@given(st.integers(1, 30 * PIECE_BYTES), st.integers(0, 2**32))
def test_pieces_may_be_lost_doubled_damaged_and_in_any_order(size: int, seed: int) -> None:
    data, ours, random = some(size), Shelf(), Random(seed)
    blob, theirs = sent(data)
    gathering = Gathering("job", "data", blob, ours.kept.get)
    for _ in range(200):
        get = gathering.ask(ID, 10)
        if get is None:
            break
        parts = [part for part in answers(ID, get, blob, theirs.kept.get) for _ in range(random.choice([0, 1, 1, 2]))]
        random.shuffle(parts)
        for part in parts:
            ours.keep(gathering.take(_damaged(part, random) if random.random() < 0.2 else part))
    assert gathering.complete
    assert read_back("job", "data", blob, ours.kept.get) == data


def _damaged(part: TaskPart, random: Random) -> TaskPart:
    piece = bytearray(from_b64u(part.part))
    piece[random.randrange(len(piece))] ^= 1 << random.randrange(8)
    i = part.i if random.random() < 0.7 else part.i + 1
    return TaskPart(task=part.task, side=part.side, list=part.list, i=i, part=to_b64u(bytes(piece)))


def test_of_two_thousand_changed_pieces_none_is_kept() -> None:
    random, ours = Random(5), Shelf()
    blob, theirs = sent(some(20 * PIECE_BYTES))
    gathering = fetch_list_only(blob, theirs, ours)
    before = dict(ours.kept)
    parts = list(answers(ID, TaskGet(task=ID, side="data", parts=((0, 20),)), blob, theirs.kept.get))
    for _ in range(2000):
        assert gathering.take(_damaged(random.choice(parts), random)) == []
    assert ours.kept == before
    assert gathering.have == set()


def fetch_list_only(blob: Blob, theirs: Shelf, ours: Shelf) -> Gathering:
    gathering = Gathering("job", "data", blob, ours.kept.get)
    for part in answers(ID, TaskGet(task=ID, side="data", list=True), blob, theirs.kept.get):
        ours.keep(gathering.take(part))
    return gathering


def test_after_a_restart_only_the_rest_is_asked_for() -> None:
    blob, theirs = sent(some(50 * PIECE_BYTES))
    ours = Shelf()
    gathering = Gathering("job", "data", blob, ours.kept.get)
    for part in answers(ID, TaskGet(task=ID, side="data", list=True, parts=((0, 30),)), blob, theirs.kept.get):
        ours.keep(gathering.take(part))
    del ours.kept[key_of("job", "data", 7)]
    again = Gathering("job", "data", blob, ours.kept.get)
    assert again.ask(ID) == TaskGet(task=ID, side="data", list=False, parts=((7, 8), (30, 50)))


def test_a_piece_that_was_damaged_on_disk_is_fetched_again_and_never_given_out_as_whole() -> None:
    data, ours = some(5 * PIECE_BYTES), Shelf()
    blob, theirs = sent(data)
    fetch(blob, theirs, ours)
    ours.kept[key_of("job", "data", 2)] = bytes(PIECE_BYTES)
    assert read_back("job", "data", blob, ours.kept.get) is None
    fetch(blob, theirs, ours)
    assert read_back("job", "data", blob, ours.kept.get) == data


def test_a_question_beyond_the_end_is_answered_with_what_there_is() -> None:
    blob, theirs = sent(some(3 * PIECE_BYTES))
    parts = list(answers(ID, TaskGet(task=ID, side="data", parts=((1, 1165),)), blob, theirs.kept.get))
    assert [part.i for part in parts] == [1, 2]


def test_without_the_hashes_changed_pieces_would_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gathering, "_fits", lambda *_: True)
    blob, theirs = sent(some(20 * PIECE_BYTES))
    gathering = fetch_list_only(blob, theirs, Shelf())
    part = next(answers(ID, TaskGet(task=ID, side="data", parts=((3, 4),)), blob, theirs.kept.get))
    gathering.have.clear()
    assert gathering.take(_damaged(part, Random(1))) != []
