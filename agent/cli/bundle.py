"""`nmr bundle`: a file for support that says how the station is, and names nobody."""

import asyncio
from pathlib import Path

import click

from agent.cli.output import Context, json_option, pass_context, show, table
from agent.domain.errors import BadInput


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--yes", is_flag=True, help="Write it without asking.")
@json_option
@pass_context
def bundle(context: Context, file: Path, *, yes: bool, as_json: bool) -> None:
    """Write FILE (zip) for support; it names nobody.

    Versions, settings, status, the doctor's report and logs, names as hashes; no keys, no texts of messages. Shows what
    will be in it before it is written.
    """
    from agent.station.support.bundle import collect, write_bundle

    if file.exists():
        raise BadInput("The file is there already", f"Choose another name than {file}", field="file")
    parts = asyncio.run(collect(context.profile))
    rows = [[f"{len(content):>9} bytes", name] for name, content in parts.items()]
    if not yes:
        click.echo(table(rows), err=True)
        click.confirm(f"Write this to {file}?", abort=True, err=True)
    size = write_bundle(file, parts)
    sizes = {name: len(content) for name, content in parts.items()}
    show({"file": str(file), "bytes": size, "parts": sizes}, f"{table(rows)}\n{file}: {size} bytes", as_json=as_json)
