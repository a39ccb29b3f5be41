"""The demo's story, told step by step: what happened, how long after the start, and what made it visible."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agent.demo.site import Site, until
from agent.domain.errors import NmrError
from agent.system.control import ControlLine


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `at` and `took` are seconds."""

    step: str
    at: float
    took: float
    detail: str = ""


class Story:
    """Tells steps as they happen, in words or, at the end, as one JSON object."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._began = self._last = time.monotonic()
        self.steps: list[Step] = []

    def tell(self, step: str, detail: str = "") -> None:
        """Something is done."""
        now = time.monotonic()
        self.steps.append(Step(step, round(now - self._began, 3), round(now - self._last, 3), detail))
        self._last = now
        if not self._as_json:
            print(f"{self.steps[-1].at:8.2f} s  {step:<24} {detail}", flush=True)

    def end(self, *, ok: bool, **more: object) -> None:
        """Print the whole story."""
        if self._as_json:
            print(json.dumps({"ok": ok, "steps": [asdict(step) for step in self.steps], **more}), flush=True)


def play_once(folder: Path, *, as_json: bool) -> int:
    """Set a site up, let one page ring and be answered, take it down; returns the exit code."""
    site, story = Site(folder), Story(as_json=as_json)
    try:
        _open(site, story)
        used = _page(site, story)
    except NmrError as error:
        story.tell("failed", str(error))
        story.end(ok=False)
        return 1
    finally:
        site.stop()
    story.end(ok=True, used=used)
    return 0


def _open(site: Site, story: Story) -> None:
    where = site.start_hub()
    story.tell("hub up", f"{where['broker']} on port {where['mqtt_port']}, {where['url']}")
    for name, person, role in (("front", "anna", "front-desk"), ("kitchen", "ben", "kitchen")):
        got = site.enrol(name, person, role)
        story.tell("station enrolled", f"{got['station']} ({got['person']}, {role})")
    for name in ("front", "kitchen"):
        site.start_station(name)
        with site.talk(name) as line:
            story.tell("station up", f"{name}: tray {line.request('status')['tray']}")


def _page(site: Site, story: Story) -> dict[str, Any]:
    """Page for an order and answer as soon as it was shown; returns what showed it."""
    with site.talk("front") as front, site.talk("kitchen") as kitchen:
        until(lambda: front.request("status")["can"]["page"], "the list of orders")
        order = front.request("order.add", fields={"title": "Order 17", "subtitle": "0171 5550123"})["order"]
        story.tell("order created", "Order 17 at front")
        until(lambda: order in [one["id"] for one in kitchen.request("orders")], "the order at the other station")
        story.tell("order seen", "Order 17 at kitchen")
        told: set[str] = set()
        for event in front.follow("page", to={"role": "kitchen"}, order=order, note="ready to serve", wait=True):
            page = event["page"]
            _tell_rung(story, page, told)
            if page["state"] in ("stored", "presented") and "answered" not in told and _rung(kitchen, page["id"]):
                kitchen.request("answer", page=page["id"], answer="accepted")
                told.add("answered")
        if "accepted" not in told:
            raise NmrError("The page was not taken", page["summary"])
        return {key: kitchen.request("status")[key] for key in ("tray", "notifier", "sound")}


def _rung(kitchen: ControlLine, page_id: str) -> bool:
    """Wait until the other station has had it shown, or says why it could not."""
    until(lambda: _theirs(kitchen, page_id)["state"] == "presented", "the notice", within=10)
    return True


def _theirs(kitchen: ControlLine, page_id: str) -> dict[str, Any]:
    pages = next(kitchen.watch())["pages"]
    return next((page for page in pages if page["id"] == page_id), {"state": ""})


def _tell_rung(story: Story, page: dict[str, Any], told: set[str]) -> None:
    """Tell each rung of the ladder once."""
    (target, *_), rung = page["targets"], page["state"]
    if rung in told:
        return
    told.add(rung)
    details = {"sent": f"over {target['link']}", "presented": target["why"], "accepted": page["summary"]}
    story.tell(f"page {rung}", details.get(rung, ""))


def set_up(folder: Path, *, as_json: bool) -> Site:
    """Start the site for somebody to play with; the caller stops it."""
    site = Site(folder)
    try:
        _open(site, Story(as_json=as_json))
    except BaseException:
        site.stop()
        raise
    return site
