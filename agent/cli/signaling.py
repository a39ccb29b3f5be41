"""`nmr hub signaling`: run the signaling server alone, beside or without the hub."""

import asyncio
import json

import click

from agent.cli.output import Context, json_option, pass_context

PORT = 8444


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=PORT, show_default=True, help="Where it listens.")
@click.option(
    "--name", "names", multiple=True, metavar="NAME[:PORT]", help="Another name stations reach it by; may be repeated."
)
@json_option
@pass_context
def signaling(context: Context, port: int, names: tuple[str, ...], *, as_json: bool) -> int:
    """Run the signaling server alone; it needs only the hub's folder, of which it changes nothing but its log."""
    from agent.hub.signaling.alone import run_signaling
    from agent.system.config.load import load_hub

    def ready(url: str) -> None:
        print(json.dumps({"url": url}) if as_json else f"signaling is up: {url}", flush=True)

    config = load_hub(context.profile).config
    return asyncio.run(run_signaling(context.profile, config, port, names, ready=ready))
