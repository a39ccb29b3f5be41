"""The stand-ins for aiortc's media libraries, which installers ship in the place of these."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STAND_INS = {"av": ROOT / "installer" / "stub_av", "pylibsrtp": ROOT / "installer" / "stub_srtp"}
"""The folder of each, by the name of what it replaces: a package, and a project that pip installs."""

FIRST = tuple(str(folder) for folder in STAND_INS.values())
"""For the beginning of PYTHONPATH."""
