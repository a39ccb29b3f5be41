"""Settings given on the command line, `nmr --set KEY=VALUE`: checked at once, for who typed them is still there."""

from collections.abc import Iterable
from dataclasses import replace

from agent.domain.errors import BadInput
from agent.system.config.check import nearest, whole_settings
from agent.system.config.schema import Config, HubConfig
from agent.system.config.texts import command_line_source
from agent.system.paths import Profile


def with_given(profile: Profile, given: Iterable[str]) -> Profile:
    """The profile with these settings; raises BadInput for what is no setting or not allowed."""
    pairs = tuple(_pair(text) for text in given)
    for key, text in pairs:
        schema = next(each for each in (Config, HubConfig) if key in _keys(each))
        for problem in command_line_source([(key, text)]).read(schema).mistakes:
            raise BadInput("Not allowed", str(problem), field=key)
    return replace(profile, given=(*profile.given, *pairs))


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise BadInput("--set needs KEY=VALUE", f"such as --set ring.again_seconds=20, not “{text}”", field="set")
    known = _keys(Config) | _keys(HubConfig)
    if key not in known:
        raise BadInput("No such setting", f"“{key}” is none{nearest(key, known)}", code="no-such-setting", field=key)
    return key, value


def _keys(schema: type[Config | HubConfig]) -> set[str]:
    return {one.key for one in whole_settings(schema)}
