"""A hub's core with its stations' keys, its disk, and the other side of every proof."""

from collections.abc import Callable
from typing import Any

from msgspec import json

from agent.domain.effects import Effect, Keep, Post
from agent.domain.envelope import DAY_MS
from agent.domain.events import NotSaved
from agent.domain.messages import Parameters
from agent.hub.account import StationAccount, read_account
from agent.hub.accounts import make_account, make_bundle
from agent.hub.core import Kept
from agent.hub.keys_report import report
from agent.hub.proofs import (
    Proof,
)
from agent.wire.acts import Say
from tests.hub.key_side import KeySide
from tests.hub.told import START_MS, Site, an_id, at, posts

LIFE_MS = 30 * DAY_MS


class KeyHub:
    """A core with one station's account, its disk, and the station's side."""

    def __init__(self, *stations: str) -> None:
        self.site = Site(*(stations or ("anna",)))
        self.proofs = self.site.core.proofs
        self.disk: dict[tuple[str, str], bytes] = {}
        self.now = 0.0
        self.works = True
        self.effects: list[Effect] = []
        for name in stations or ("anna",):
            account = make_account(name, b"k" * 16, "p" * 32, make_bundle(1, START_MS, LIFE_MS))
            self.proofs.put(account)
            self.keep(Keep("account", name, account))
        self.anna = self.side("anna")

    def side(self, name: str) -> KeySide:
        me = self.site.me
        return KeySide("s1", name, me.kid, self.proofs.accounts[name].current)

    def keep(self, keep: Keep) -> None:
        if keep.value is None:
            self.disk.pop((keep.kind, keep.id), None)
        else:
            self.disk[keep.kind, keep.id] = json.encode(keep.value)

    def account(self, name: str = "anna") -> StationAccount:
        """What is on disk."""
        return read_account(self.disk["account", name])

    def run(self, effects: list[Effect]) -> list[Post]:
        """Do them as the router does: behind a Keep only what follows a commit; returns what is on the wire."""
        self.effects = effects
        kept = [effect for effect in effects if isinstance(effect, Keep)]
        if kept and not self.works:
            first = effects.index(kept[0])
            self.effects = [*effects, *self.site.core.handle(NotSaved("full", ""), at(self.now))]
            return posts(effects[:first])
        for keep in kept:
            self.keep(keep)
        return posts(effects)

    def hear(self, type_: str, params: Parameters, sender: str = "anna") -> list[Parameters]:
        """A word of a station; returns the hub's."""
        sent = self.run(self.site.tell(sender, type_, params, now=self.now))
        return [post.params for post in sent]

    def of(self, name: str) -> Callable[[Say], list[Parameters]]:
        return lambda said: self.hear(said.type, said.params, name)

    def prove(self, side: KeySide | None = None, name: str = "anna") -> list[str]:
        side = side or self.anna
        side.talk(side.begin(), self.of(name))
        return side.codes

    def renew(self, side: KeySide | None = None, name: str = "anna") -> list[str]:
        side = side or self.anna
        side.talk(side.renew(), self.of(name))
        return side.codes

    def until(self, kind: type[Parameters]) -> Say:
        """Begin a renewal; returns the station's first word of this kind, not yet said."""
        (said,) = self.anna.go_on(self.anna.renew())
        while not isinstance(said.params, kind):
            (answer,) = self.hear(said.type, said.params)
            (said,) = self.anna.go_on(self.anna.hear(answer))
        return said

    def ask(self, event: object) -> list[Post]:
        return self.run(self.site.core.handle(event, at(self.now)))

    def restart(self) -> None:
        """Begin anew with what is on disk."""
        old, core = self.site, self.site.core
        accounts = [read_account(body) for (kind, _), body in self.disk.items() if kind == "account"]
        proofs = [json.decode(body, type=Proof) for (kind, _), body in self.disk.items() if kind == "proof"]
        new = type(core)(
            kept=Kept(core.ledger, core.frames, accounts=accounts, proofs=proofs),
            new_id=an_id, now=at(self.now), chance=lambda n: b"\7" * n,
        )  # fmt: skip
        old.core, self.proofs = new, new.proofs

    def row(self, name: str = "anna") -> dict[str, Any]:
        now = at(self.now).ms
        (row,) = [row for row in report(self.proofs, self.site.core.ledger, now) if row["station"] == name]
        return row
