"""A customer's computer that reaches nothing but its mailbox gets a task done, step by step, whoever falls out."""

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from agent.demo.site import NO_KEYRING, until
from agent.domain.audience import Audience
from agent.domain.envelope import VERSION, Envelope
from agent.domain.keys import from_b64u, to_b64u
from agent.domain.names import HUB
from agent.hub.keys import load_keys
from agent.links.mail.letter import NoLetter, read_letter, write_letter
from agent.links.mail.pack import PackRefused, open_pack, seal_pack
from agent.links.mail.settings import with_detail
from agent.system.credentials import load_credentials
from agent.wire.frame import read_body, sign_frame, take_apart
from agent.wire.keys import Identity
from agent.wire.seal import MAGIC, open_sealed, seal
from tests.faults.task_site import BOXES, CANARY, TaskScene, mail_scene, mailboxes
from tests.servers.mail import MailServers, mail_servers

LOAD = 77
pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]

STEPS = ("assigned", "accepted", "running", "written")
SITE = "demo"


@pytest.fixture(scope="module")
def servers() -> Iterator[MailServers]:
    with mail_servers(mailboxes()) as started:
        yield started


@pytest.fixture(scope="module")
def scene(servers: MailServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TaskScene]:
    with mail_scene(tmp_path_factory.mktemp("handshake"), servers) as running:
        yield running


@pytest.fixture
def keys(scene: TaskScene, monkeypatch: pytest.MonkeyPatch) -> dict[str, Identity]:
    """The keys of everybody."""
    for name, value in NO_KEYRING.items():
        monkeypatch.setenv(name, value)
    found = {HUB: load_keys(scene.site.profile(HUB).hub_folder, SITE, new=False).identity()}
    for name in (scene.customer, *scene.workers):
        its = load_credentials(scene.site.profile(name).secrets_folder)
        assert its is not None
        found[name] = Identity.of(SITE, name, from_b64u(its.sign_key), from_b64u(its.receive_key))
    return found


def packs(servers: MailServers, name: str) -> list[bytes]:
    """The packs of all mails in somebody's mailbox, put away or not."""
    box, found = servers.mailbox(BOXES[name]), list[bytes]()
    for mail in [mail for folder in box.folders() for mail in box.stored(folder).values()]:
        try:
            found.append(read_letter(mail.content))
        except NoLetter:
            continue
    return found


def opened(servers: MailServers, name: str, me: Identity) -> list[bytes]:
    """The bodies of the messages in somebody's mailbox, opened with a key; what it does not open is left out."""
    found = []
    for pack in packs(servers, name):
        try:
            containers = open_pack(pack, me)
        except PackRefused:
            continue
        sealed = [container for container in containers if container.startswith(MAGIC)]  # enrolment's are others
        found += [take_apart(open_sealed(container, me)).body for container in sealed]
    return found


def said(servers: MailServers, keys: dict[str, Identity]) -> list[tuple[str, str, Envelope]]:
    """What was said by mail, in the order in which it was said: from, to, message."""
    all_ = [(name, read_body(body)[0]) for name, me in keys.items() for body in opened(servers, name, me)]
    once = {(name, envelope.id): (envelope.sender, name, envelope) for name, envelope in all_}
    return sorted(once.values(), key=lambda one: one[2].at)


def is_in_order(steps: list[tuple[str, str, str]], told: list[tuple[str, str, str]]) -> bool:
    """Whether all steps were told, each behind the one before."""
    rest = iter(told)
    return all(step in rest for step in steps)


def test_the_handshake_goes_step_by_step_through_mailboxes(
    scene: TaskScene, servers: MailServers, keys: dict[str, Identity]
) -> None:
    task = scene.send(data={"say": f"{CANARY} soup"})
    found = scene.reached(task, "done")
    customer, worker = scene.customer, found["worker"]
    told = said(servers, keys)
    assert found["result"]["said"] == f"{CANARY} soup"
    steps = [
        (customer, HUB, "ledger.get"),
        (HUB, customer, "ledger.part"),
        (customer, worker, "lease.ask"),
        (worker, customer, "lease"),
        (customer, worker, "task.assign"),
        (worker, customer, "task.accept"),
        (worker, customer, "task.result"),
    ]
    assert is_in_order(steps, [(sender, to, envelope.type) for sender, to, envelope in told])
    (lease, *_) = [envelope for sender, _, envelope in told if (sender, envelope.type) == (worker, "lease")]
    assert lease.p["kid"] == to_b64u(keys[worker].kid)
    (assign, *_) = [
        envelope for _, _, envelope in told if envelope.type == "task.assign" and envelope.p["task"] == task
    ]
    assert f"{CANARY} soup" in from_b64u(assign.p["data"]).decode()


def test_nobody_but_its_recipient_can_open_a_mail(
    scene: TaskScene, servers: MailServers, keys: dict[str, Identity]
) -> None:
    scene.reached(scene.send(), "done")
    for name, me in keys.items():
        assert opened(servers, name, me)
        assert not any(opened(servers, name, other) for other in keys.values() if other is not me)


def test_mailboxes_hold_no_readable_byte_of_names_tasks_and_results(
    scene: TaskScene, servers: MailServers, keys: dict[str, Identity]
) -> None:
    scene.reached(scene.send(data={"say": f"{CANARY} stew"}), "done")
    secret = CANARY.encode()
    inside = [body for name, me in keys.items() for body in opened(servers, name, me)]
    assert any(secret in body for body in inside)
    assert not any(secret in pack.lower() for name in keys for pack in packs(servers, name))
    files = [path for box in BOXES.values() for path in servers.mailbox(box).root.rglob("*") if path.is_file()]
    assert len(files) > len(BOXES)
    assert [path for path in files if secret in _bytes_of(path).lower()] == []


def _bytes_of(path: Any) -> bytes:
    try:
        found: bytes = path.read_bytes()
    except FileNotFoundError:  # the server moves mails while we look
        return b""
    return found


def lease(me: Identity, kid: bytes, *skills: str) -> bytes:
    """Return the frame of a lease that is newer than all others, and knows of LOAD."""
    now = time.time_ns() // 1_000_000
    terms = {"kid": to_b64u(kid), "skills": skills, "free": 2, "capacity": 2, "load": LOAD, "links": []}
    envelope = Envelope(
        v=VERSION,
        site=SITE,
        id=os.urandom(16).hex(),
        sender=me.station,
        to=Audience("all", "").to_wire(),
        type="lease",
        at=now,
        exp=now + 60_000,
        re=None,
        want=0,
        prio=0,
        head=None,
        p={**terms, "until": now + 900_000, "n": now},
    )
    return sign_frame(envelope, me)


def deliver(servers: MailServers, to: Identity, frame: bytes) -> None:
    """Put a message into somebody's mailbox, as its server does."""
    pack = seal_pack([seal(frame, SITE, to.kid, to.receive)], SITE, to.kid, to.receive)
    box = BOXES[to.station]
    letter = write_letter(
        pack,
        "stranger@mail.test",
        with_detail(servers.address(box), to.kid),
        random_hex=os.urandom(16).hex(),
        at_s=time.time(),
    )
    servers.mailbox(box).put(letter)


def test_a_lease_whose_key_stands_only_in_the_mail_is_refused_and_counted(
    scene: TaskScene, servers: MailServers, keys: dict[str, Identity]
) -> None:
    worker, customer = scene.workers[0], scene.customer
    stranger = Identity.new(SITE, worker)
    with scene.site.talk(customer) as line:
        before = line.request("status")["refused"]
        deliver(servers, keys[customer], lease(stranger, stranger.kid, "steal"))
        deliver(servers, keys[customer], lease(keys[worker], stranger.kid, "steal"))
        for code in ("unknown-kid", "lease"):
            counted = before.get(code, 0)
            until(lambda: line.request("status")["refused"].get(code, 0) > counted, f"{code} is refused and counted")  # noqa: B023 - used at once
        until(lambda: scene.journal(customer, "lease refused"), "the refusal of a key that is not the ledger's")
        assert not any("steal" in one["skills"] for one in line.request("task.workers"))
        assert not any(one["load"] == LOAD for one in line.request("task.workers"))
        deliver(servers, keys[customer], lease(keys[worker], keys[worker].kid, scene.type, scene.once_type))
        until(lambda: any(one["load"] == LOAD for one in line.request("task.workers")), "a lease with its own key")


@pytest.mark.parametrize(
    "step", [pytest.param(step, marks=[] if step == "written" else pytest.mark.long) for step in STEPS]
)
def test_whichever_worker_is_killed_the_other_does_it_and_there_is_one_result(scene: TaskScene, step: str) -> None:
    with scene.held() as hold:
        scene.want(step, "kill")
        task = scene.send(data={"hold": hold} if step in ("accepted", "running") else {})
        dead = scene.fallen(step, "kill")
    moved, (death,) = scene.moved_on(task, dead), scene.journal(dead, "kill")[-1:]
    lent_s = scene.given(task, dead).lent_s
    assert moved.at - death.at <= lent_s + lent_s / 2 + 5.0  # a lease, an acceptance, the mail before
    found = scene.reached(task, "done")
    assert found["worker"] == scene.other(dead)
    scene.start(dead)
    until(lambda: scene.journal(dead, "superseded", task), "the answer to whatever it says late", within=60)
    assert scene.stored(task) == [(found["n"], found["worker"])]


@pytest.mark.long
def test_a_task_waits_while_both_workers_are_dead(scene: TaskScene) -> None:
    with scene.held() as hold:
        task = scene.send(data={"hold": hold})
        last = scene.reached(task, "accepted", "running")["worker"]
        for name in scene.workers:
            scene.site.kill(name)
    scene.let_go(task, last)
    assert not scene.shown(task)["ended"]
    scene.start(scene.workers[1])
    found = scene.reached(task, "done")
    assert scene.stored(task) == [(found["n"], scene.workers[1])]
    scene.start(scene.workers[0])


def test_a_customer_that_is_started_again_in_the_middle_gets_its_result(scene: TaskScene) -> None:
    with scene.held() as hold:
        task = scene.send(data={"hold": hold})
        found = scene.reached(task, "accepted", "running")
        scene.site.kill(scene.customer)
    until(lambda: scene.runs(task), "the run")
    scene.start(scene.customer)
    found = scene.reached(task, "done")
    assert scene.stored(task) == [(found["n"], found["worker"])]
