"""`nmr doctor`: whether it will ring, and what is to be done if not."""

import asyncio

import click

from agent.cli.output import Context, json_option, pass_context, show


@click.command()
@click.option("--no-sound", is_flag=True, help="Do not ring to hear whether it can be heard.")
@json_option
@pass_context
def doctor(context: Context, *, no_sound: bool, as_json: bool) -> int:
    """Say whether it will ring here, and what to do if not.

    Looks at everything a page needs, with and without a running agent, and changes nothing. Ends with 0 if it will
    ring, with 1 if something should be looked at, with 2 if it will not ring or nobody will hear it.
    """
    from agent.station.doctor.checks import examine
    from agent.station.doctor.report import EXIT_CODES, as_text, as_wire, worst
    from agent.station.doctor.sight import take_sight
    from agent.station.picture import language_of
    from agent.ui.texts.doctor import doctor_texts

    async def look() -> int:
        sight = await take_sight(context.profile, sound=not no_sound)
        findings = await examine(sight)
        texts = doctor_texts(language_of(sight.config))
        show(as_wire(findings, texts), as_text(findings, texts), as_json=as_json)
        return EXIT_CODES[worst(findings)]

    return asyncio.run(look())
