"""Settings as texts and as registry values become what the schema wants, or are refused by name."""

from typing import Any

import msgspec
import pytest

from agent.domain.errors import BadInput
from agent.system.config.given import with_given
from agent.system.config.load import load
from agent.system.config.registry import RegistrySource
from agent.system.config.schema import Config, HubConfig, Log, Ui
from agent.system.config.texts import environment_source, variable
from agent.system.paths import Profile
from tests.system.config.stage import EVERY, Stage

KEY = r"HKLM\Software\Policies\NoMoreRunning"


def of_environment(**variables: str) -> Any:
    """The station's layer of an environment."""
    return environment_source(variables, Config, HubConfig).read(Config)


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("NMR_RING__AGAIN_SECONDS", " 20 ", {"ring": {"again_seconds": 20}}),
        ("NMR_RING__PAGE_SOUND", "off", {"ring": {"page_sound": False}}),
        ("NMR_RING__PAGE_SOUND", "Yes", {"ring": {"page_sound": True}}),
        ("NMR_LIMITS__PEER_RATE", "1.5", {"limits": {"peer_rate": 1.5}}),
        ("NMR_LIMITS__PEER_RATE", "2", {"limits": {"peer_rate": 2.0}}),
        ("NMR_LINK__MQTT__HUB_PROOF", "preferred", {"link": {"mqtt": {"hub_proof": "preferred"}}}),
        ("NMR_LINK__MQTT__ADDRESSES", "a:1, b:2", {"link": {"mqtt": {"addresses": ("a:1", "b:2")}}}),
        ("NMR_LINK__MQTT__ADDRESSES", '["a:1"]', {"link": {"mqtt": {"addresses": ("a:1",)}}}),
        ("NMR_LINK__MQTT__ADDRESSES", "", {"link": {"mqtt": {"addresses": ()}}}),
        ("NMR_QUICK_PAGE", '[{ title = "T", to = "all" }]', {"quick_page": ({"title": "T", "to": "all"},)}),
        ("NMR_UI__ORDER_NAME", "7", {"ui": {"order_name": "7"}}),
    ],
)
def test_a_text_becomes_what_its_setting_is(name: str, text: str, values: dict[str, Any]) -> None:
    layer = of_environment(**{name: text})
    assert (layer.values, layer.mistakes, layer.unknown) == (values, (), ())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("NMR_RING__AGAIN_SECONDS", "often"),
        ("NMR_RING__AGAIN_SECONDS", "4"),
        ("NMR_RING__AGAIN_SECONDS", "9" * 5000),
        ("NMR_RING__PAGE_SOUND", "2"),
        ("NMR_LIMITS__PEER_RATE", "nan"),
        ("NMR_LINK__MQTT__ADDRESSES", "[a:1"),
        ("NMR_LINK__MQTT__ADDRESSES", "hub"),
        ("NMR_QUICK_PAGE", "Tea"),
        ("NMR_QUICK_PAGE", "[1]\nx = 2"),
    ],
)
def test_a_text_that_does_not_fit_is_told_with_its_variable(name: str, text: str) -> None:
    layer = of_environment(**{name: text, "NMR_UI__TIMER": "off"})
    assert msgspec.convert(layer.values, Config) == Config(ui=Ui(timer=False))
    assert str(layer.mistakes[0]).startswith(f"environment variable {name}: ")


def test_a_variable_like_a_setting_warns_and_those_of_others_are_left_alone() -> None:
    layer = of_environment(
        NMR_RING__AGAIN_SECOND="9",
        NMR_RNIG__PAGE_SOUND="off",
        NMR_HUB__SITE="x",
        NMR_TRAY="sni",
        NMR_RING="x",
        PATH="/",
    )
    assert [str(one) for one in layer.unknown] == [
        (
            "environment variable NMR_RING__AGAIN_SECOND: ring.again_second: unknown, ignored; "
            'did you mean "again_seconds"?'
        ),
        'environment variable NMR_RNIG__PAGE_SOUND: rnig: unknown, ignored; did you mean "ring"?',
    ]
    assert msgspec.convert(layer.values, Config) == Config()


def test_each_setting_has_a_variable_of_its_own() -> None:
    names = [variable(one.key) for schema, one in EVERY if schema is Config]
    assert len(set(names)) == len(names)
    assert variable("link.mqtt.hub_proof") == "NMR_LINK__MQTT__HUB_PROOF"


@pytest.mark.parametrize(
    ("tree", "values"),
    [
        ({"ring": {"again_seconds": 20, "page_sound": 0}}, {"ring": {"again_seconds": 20, "page_sound": False}}),
        ({"Ring": {"AGAIN_Seconds": "20"}}, {"ring": {"again_seconds": 20}}),
        ({"limits": {"peer_rate": "1.5"}}, {"limits": {"peer_rate": 1.5}}),
        ({"limits": {"peer_rate": 2}}, {"limits": {"peer_rate": 2}}),
        ({"link": {"mqtt": {"addresses": ["a:1", "", "b:2"]}}}, {"link": {"mqtt": {"addresses": ("a:1", "b:2")}}}),
        ({"link": {"mqtt": {"addresses": "a:1"}}}, {"link": {"mqtt": {"addresses": ("a:1",)}}}),
        ({"quick_page": ['{ title = "T", to = "all" }']}, {"quick_page": ({"title": "T", "to": "all"},)}),
    ],
)
def test_a_registry_value_becomes_what_its_setting_is(tree: dict[str, Any], values: dict[str, Any]) -> None:
    layer = RegistrySource("machine policy", "HKLM", "x", lambda *_: tree).read(Config)
    assert (layer.values, layer.mistakes, layer.unknown) == (values, (), ())


@pytest.mark.parametrize(
    ("tree", "path"),
    [
        ({"ring": {"again_seconds": 4}}, r"ring\again_seconds"),
        ({"ring": {"page_sound": 2}}, r"ring\page_sound"),
        ({"ring": {"page_sound": b"\x01"}}, r"ring\page_sound"),
        ({"ring": 7}, "ring"),
        ({"ui": {"language": 1}}, r"ui\language"),
        ({"ui": {"order_name": ["a"]}}, r"ui\order_name"),
        ({"link": {"mqtt": {"addresses": ["hub"]}}}, r"link\mqtt\addresses"),
        ({"quick_page": ["Tea"]}, "quick_page"),
        ({"quick_page": ['{ title = "T" }']}, "quick_page"),
    ],
)
def test_a_registry_value_that_does_not_fit_is_told_with_its_path(tree: dict[str, Any], path: str) -> None:
    layer = RegistrySource(
        "machine policy", "HKLM", KEY.partition("\\")[2], lambda *_: {**tree, "log": {"keep_files": 7}}
    ).read(Config)
    assert msgspec.convert(layer.values, Config) == Config(log=Log(keep_files=7))
    assert str(layer.mistakes[0]).startswith(f"{KEY}\\{path}: ")


def test_what_the_installer_keeps_beside_the_defaults_is_no_unknown_setting(tmp_path: Any) -> None:
    stage = Stage(tmp_path)
    stage.registry[stage.keys["machine's key"]] = {
        "Deployment": {"SiteUrl": "https://hub"}, "Install": {"Folder": "C:"}, "rnig": {}, "ring": {"x": 1},
    }  # fmt: skip
    assert [one.key for one in load(stage.profile, stage.around).warnings] == ["rnig", "ring.x"]


def test_settings_of_the_command_line_are_checked_while_one_looks(tmp_path: Any) -> None:
    profile = with_given(Profile.at(tmp_path), ["ring.again_seconds=20", "ui.order_name=a=b"])
    assert profile.given == (("ring.again_seconds", "20"), ("ui.order_name", "a=b"))
    config = load(profile).config
    assert (config.ring.again_seconds, config.ui.order_name) == (20, "a=b")
    for wrong, word in {
        "ring": "KEY=VALUE",
        "ring.again_second=9": "again_seconds",
        "ui.mask=7": "true or false",
    }.items():
        with pytest.raises(BadInput, match=word):
            with_given(profile, [wrong])
