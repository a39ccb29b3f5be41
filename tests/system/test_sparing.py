"""What libraries load and hardly use stays out of an agent, and is there when it is wanted."""

import subprocess
import sys

import pytest

LATER = """
import sys
from agent.system.sparing import later

with later("xml.etree.ElementTree"):
    import xml.etree.ElementTree as tree

    def text_of(element: tree.Element) -> str:
        return element.text

with later("urllib.request"):
    import urllib.request
unloaded = {"xml.etree.ElementTree", "urllib.request"}.isdisjoint(sys.modules)
print(unloaded, urllib.request.quote("ä"), text_of(tree.fromstring("<a>b</a>")))
"""
LOADED_BEFORE = """
import sys, quopri
from agent.system.sparing import later, without

with later("quopri"), without("quopri"):
    import quopri as again
print(again is quopri is sys.modules["quopri"])
"""
WITHOUT = """
from agent.system.sparing import without

with without("quopri"):
    try:
        import quopri
    except ImportError:
        print("absent", end=" ")
import quopri
print(quopri.__name__)
"""
WHAT_OBJECTS_LOOK_LIKE = """
import agent.ui.session_bus
from dbus_fast.introspection import Node

node = Node.parse('<node><interface name="a.b"><method name="Go"/></interface></node>')
print("Go" in node.tostring(), end=" ")
try:
    Node.parse("<node")
except SyntaxError as error:
    print(type(error).__name__)
"""
SPARED = {
    "agent.system.log": "pickle",
    "agent.links.mqtt": "urllib.request http.client email dns.resolver",
    "agent.links.mail.connection": "importlib.metadata zipfile",
    "agent.links.mail.session": "tempfile shutil email smtplib imaplib",
    **({"agent.ui.session_bus": "xml.etree.ElementTree pyexpat"} if sys.platform == "linux" else {}),
}
"""What each of these modules does without."""


def said(program: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_module_is_loaded_when_it_is_first_used() -> None:
    assert said(LATER) == "True %C3%A4 b"


def test_one_that_is_loaded_already_is_left_alone() -> None:
    assert said(LOADED_BEFORE) == "True"


def test_one_that_is_done_without_is_there_for_others() -> None:
    assert said(WITHOUT) == "absent quopri"


@pytest.mark.parametrize("module", SPARED)
def test_an_agent_does_without(module: str) -> None:
    program = "import importlib, sys; importlib.import_module(sys.argv[1]); print(*sys.modules)"
    assert not set(said(program, module).split()) & set(SPARED[module].split())


def test_signaling_does_without_proxies_and_numbers_of_packages() -> None:
    program = "import sys; from agent.links.p2p.signaling import _websockets; _websockets(); print(*sys.modules)"
    loaded = set(said(program).split())
    assert "websockets" in loaded
    assert not loaded & {"urllib.request", "importlib.metadata"}


@pytest.mark.skipif(sys.platform != "linux", reason="D-Bus is spoken on Linux")
def test_whoever_asks_a_tray_what_it_looks_like_is_answered() -> None:
    assert said(WHAT_OBJECTS_LOOK_LIKE) == "True ParseError"
