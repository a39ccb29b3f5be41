"""Memory that only the start needed goes back, and typing_extensions is not loaded for msgspec."""

import subprocess
import sys

import pytest

HOLES = """
import gc
from agent.system.memory import give_back

def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

kept, waste = [], []
for _ in range(4_000):  # in the C library's heap, with something kept above every hole of three pages
    waste.append(bytearray(12_000))
    kept.append(bytearray(600))
waste.clear()
before = resident()
give_back()
print(before - resident())
"""
SLIM = "import sys, agent.system.slim, msgspec; print('typing_extensions' in sys.modules)"


def said(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc keeps the holes")
def test_what_the_start_left_behind_goes_back() -> None:
    assert int(said(HOLES)) > 1_000


def test_msgspec_is_loaded_alone() -> None:
    assert said(SLIM) == "False"
