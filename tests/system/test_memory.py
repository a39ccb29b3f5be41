"""Memory that only the start needed goes back, threads share a heap, and msgspec is loaded alone."""

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
HEAPS = """
import ctypes, sys, threading
from agent.system.memory import one_heap

if sys.argv[1:]:
    one_heap()
together = threading.Barrier(5)

def allocate():
    together.wait()
    bytearray(20_000)
    together.wait()

threads = [threading.Thread(target=allocate) for _ in range(4)]
for thread in threads:
    thread.start()
together.wait()
together.wait()
c = ctypes.CDLL(None)
c.fdopen.restype = ctypes.c_void_p
c.malloc_info(0, ctypes.c_void_p(out := c.fdopen(1, b"w")))
c.fflush(ctypes.c_void_p(out))
"""
SLIM = "import sys, agent.system.slim, msgspec; print('typing_extensions' in sys.modules)"


def said(program: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc keeps the holes")
def test_what_the_start_left_behind_goes_back() -> None:
    assert int(said(HOLES)) > 1_000


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc gives each thread a heap")
def test_threads_share_a_heap() -> None:
    assert said(HEAPS, "one").count("<heap ") == 1
    assert said(HEAPS).count("<heap ") > 1


def test_msgspec_is_loaded_alone() -> None:
    assert said(SLIM) == "False"
