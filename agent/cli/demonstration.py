"""`nmr demo`: see the whole thing on one computer."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import click

GUIDE = """
Two stations run on this desktop: anna at the front desk and ben in the kitchen.
  Right click anna's icon, choose “Page kitchen”: ben's side rings until “On my way” is pressed.
  Anna's menu then says who took it and how fast. The window lists orders and pages.
Press Ctrl+C to end; everything is removed then.
"""


@click.command()
@click.option("--once", is_flag=True, help="Let one page ring and be answered, then end.")
@click.option("--json", "as_json", is_flag=True, help="Print the steps as JSON.")
def demo(*, once: bool, as_json: bool) -> int:
    """Start a hub and two stations here and let them page each other."""
    from agent.demo.story import play_once, set_up

    with TemporaryDirectory(prefix="nmr-demo.", ignore_cleanup_errors=True) as folder:
        if once:
            return play_once(Path(folder), as_json=as_json)
        site = set_up(Path(folder), as_json=as_json)
        try:
            with site.talk("front") as front:
                front.request("open", window="orders")
            click.echo(GUIDE, err=True)
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            return 0
        finally:
            site.stop()
