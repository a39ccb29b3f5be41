"""Starts the window: `python -m agent.ui.window --control ADDRESS [--show orders|new-order|pages|status|settings]`."""

import sys

from agent.ui.window import TABS, run

USAGE = f"Usage: python -m agent.ui.window --control ADDRESS [--show {'|'.join(TABS)}]"


def main(arguments: list[str]) -> int:
    """Open the window and stay until it is closed; 0 is well, 2 is wrong use."""
    given = dict(zip(arguments[::2], arguments[1::2], strict=False))
    show = given.pop("--show", TABS[0])
    control = given.pop("--control", "")
    if given or len(arguments) % 2 or not control or show not in TABS:
        sys.stderr.write(USAGE + "\n")
        return 2
    return run(control, show)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
