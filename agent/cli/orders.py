"""`nmr order`: the shared list from the command line."""

import time
from typing import Any

import click

from agent.cli.output import Context, json_option, pass_context, show, table
from agent.system.control import connect


@click.group()
def order() -> None:
    """Make, change and look at orders."""


@order.command()
@click.argument("title")
@click.option("--subtitle", default="", help="Second line, such as a phone number; shown masked.")
@click.option("--flag-a/--no-flag-a", default=False, help="The first flag.")
@click.option("--flag-b/--no-flag-b", default=False, help="The second flag.")
@click.option("--item", is_flag=True, help="Put it on the list of sold-out and limited items.")
@json_option
@pass_context
def add(context: Context, title: str, subtitle: str, *, flag_a: bool, flag_b: bool, item: bool, as_json: bool) -> None:
    """Make an order."""
    fields = {"title": title, "subtitle": subtitle, "flag_a": flag_a, "flag_b": flag_b}
    with connect(context.profile) as line:
        made = line.request("order.add", kind="item" if item else "order", fields=fields)
    show(made, made["order"], as_json=as_json)


@order.command(name="list")
@click.option("--all", "everything", is_flag=True, help="Finished ones too.")
@json_option
@pass_context
def list_(context: Context, *, everything: bool, as_json: bool) -> None:
    """Show the list."""
    with connect(context.profile) as line:
        found = [one for one in line.request("orders") if everything or not one["done"]]
    show(found, table([_row(one) for one in found]) or "no orders", as_json=as_json)


@order.command()
@click.argument("order_id", metavar="ORDER")
@click.option("--title", help="A new title.")
@click.option("--subtitle", help="A new second line.")
@click.option("--flag-a/--no-flag-a", default=None, help="The first flag.")
@click.option("--flag-b/--no-flag-b", default=None, help="The second flag.")
@pass_context
def edit(context: Context, /, order_id: str, **changes: object) -> None:
    """Change an order."""
    fields = {name: value for name, value in changes.items() if value is not None}
    if not fields:
        raise click.UsageError("say what to change: --title, --subtitle, --flag-a, --flag-b")
    with connect(context.profile) as line:
        line.request("order.edit", order=order_id, fields=fields)


@order.command()
@click.argument("order_id", metavar="ORDER")
@pass_context
def done(context: Context, order_id: str) -> None:
    """Finish an order; its pages are withdrawn."""
    with connect(context.profile) as line:
        line.request("order.done", order=order_id)


@order.command()
@click.argument("order_id", metavar="ORDER")
@pass_context
def delete(context: Context, order_id: str) -> None:
    """Delete an order."""
    with connect(context.profile) as line:
        line.request("order.delete", order=order_id)


def _row(one: dict[str, Any]) -> list[str]:
    age = max(0, int(time.time() - one["created_ms"] / 1000))
    flags = "".join(name for name, on in (("A", one["flag_a"]), ("B", one["flag_b"])) if on)
    clock = f"{age // 3600:02}:{age // 60 % 60:02}:{age % 60:02}"
    return [one["id"], one["title"], flags, clock, one["by"], "done" if one["done"] else ""]
