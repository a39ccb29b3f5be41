"""Settings: defaults, files over each other, every mistake told with its line, changes noticed."""

import os
from pathlib import Path

import pytest

from agent.domain.errors import BadConfiguration
from agent.system.config.load import ConfigurationProblems, load, load_hub, reload_if_changed
from agent.system.config.schema import Config, HubConfig, QuickPage
from agent.system.paths import Profile

# source, and where the mistakes are: (line, key)
BROKEN: list[tuple[str, list[tuple[int, str]]]] = [
    ('[ui]\nlanguage = "fr"', [(2, "ui.language")]),
    ("[ui]\n\n\nlanguage = 3", [(4, "ui.language")]),
    ('ui.theme = "pink"', [(1, "ui.theme")]),
    ("ui = 4", [(1, "ui")]),
    ('[ui]\nmask = "yes"', [(2, "ui.mask")]),
    ("[ui]\nmask = 1", [(2, "ui.mask")]),
    ('[ui]\norder_name = ""', [(2, "ui.order_name")]),
    ('[ui]\norder_name = "   "', [(2, "ui.order_name")]),
    ('[ui]\norder_name = "Or\\nder"', [(2, "ui.order_name")]),
    ('[ui]\norder_name = "Order\\n"', [(2, "ui.order_name")]),
    (f'[ui]\nflag_a = "{"x" * 41}"', [(2, "ui.flag_a")]),
    ('[ui]\nflag_b = """\nMilk\nshake"""\ntimer = 7', [(2, "ui.flag_b"), (5, "ui.timer")]),
    ("[ui]\ntimer_seconds = 0", [(2, "ui.timer_seconds")]),
    ("[ui]\ntimer_seconds = 61", [(2, "ui.timer_seconds")]),
    ("[ui]\ntimer_seconds = true", [(2, "ui.timer_seconds")]),
    (f"[ui]\ntimer_seconds = 0x{'f' * 9000}", [(2, "ui.timer_seconds")]),
    ("[ring]\nagain_seconds = 4", [(2, "ring.again_seconds")]),
    ("[ring]\nagain_seconds = 30.0", [(2, "ring.again_seconds")]),
    ('# one\n# two\n["ring"]\n"again_seconds" = "30"', [(4, "ring.again_seconds")]),
    ("ring = { page_sound = 1, per_minute = 0 }", [(1, "ring.page_sound"), (1, "ring.per_minute")]),
    ("[ring]\ndo_not_disturb_max_minutes = 2000-01-01", [(2, "ring.do_not_disturb_max_minutes")]),
    ('[[quick_page]]\ntitle = "Tea"', [(1, "quick_page[1].to")]),
    ('\n[[quick_page]]\nto = "all"\n', [(2, "quick_page[1].title")]),
    (
        '[[quick_page]]\ntitle = "A"\nto = "all"\n[[quick_page]]\ntitle = "B"\nto = "kitchen"',
        [(6, "quick_page[2].to")],
    ),
    ('[[quick_page]]\ntitle = "A"\nto = "role:Kitchen"', [(3, "quick_page[1].to")]),
    ('[[quick_page]]\ntitle = "A"\nto = "hub"', [(3, "quick_page[1].to")]),
    ('[quick_page]\ntitle = "A"\nto = "all"', [(1, "quick_page")]),
    ('quick_page = [\n  { title = "A", to = "all" },\n  { title = "", to = "all" },\n]', [(3, "quick_page[2].title")]),
    ('[[quick_page]]\ntitle = "A"\nto = "all"\n' * 21, [(1, "quick_page")]),
    (f'[[quick_page]]\ntitle = "A"\nto = "all"\nnote = "{"n" * 501}"', [(4, "quick_page[1].note")]),
    ('[[quick_page]]\ntitle = "A"\nto = "all"\nnote = "\\u0000"', [(4, "quick_page[1].note")]),
    ("[limits]\npeer_rate = 0", [(2, "limits.peer_rate")]),
    ("[limits]\npeer_rate = nan", [(2, "limits.peer_rate")]),
    ("[limits]\npeer_rate = inf\npeer_burst = 0.5", [(2, "limits.peer_rate"), (3, "limits.peer_burst")]),
    ('[link.mqtt]\naddresses = "hub:8883"', [(2, "link.mqtt.addresses")]),
    (
        '[link.mqtt]\naddresses = [\n  "hub:8883", # one\n  "hub",\n  7,\n]',
        [(4, "link.mqtt.addresses[2]"), (5, "link.mqtt.addresses[3]")],
    ),
    ('[link.mqtt]\naddresses = ["hub:0"]', [(2, "link.mqtt.addresses[1]")]),
    ('[link.mqtt]\naddresses = ["hub:65536"]', [(2, "link.mqtt.addresses[1]")]),
    ('[link.mqtt]\naddresses = ["fd00::1:8883"]', [(2, "link.mqtt.addresses[1]")]),
    ("[link]\nmqtt.enabled = 0", [(2, "link.mqtt.enabled")]),
    ("link.mqtt = true", [(1, "link.mqtt")]),
    (
        '[log]\nlevel = "loud"\nkeep_files = 0\nmegabytes = 101',
        [(2, "log.level"), (3, "log.keep_files"), (4, "log.megabytes")],
    ),
    # no TOML at all: one mistake, with the line the parser tells
    ("[ui]\nlanguage = en", [(2, "")]),
    ("[ui\nlanguage = 'en'", [(1, "")]),
    ("[ui]\nmask = True", [(2, "")]),
    ("[ui]\n[ring]\n[ui]", [(3, "")]),
    ("[ui]\nmask = true\nmask = false", [(3, "")]),
    ('[ui]\norder_name = "Order', [(2, "")]),
    ('[ui]\norder_name = """Order\n', [(2, "")]),
    (f"x = {'[' * 5000}", [(1, "")]),
    (f"# {'x' * 300_000}", [(1, "")]),
]


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    profile = Profile.at(tmp_path / "profile")
    profile.create()
    profile.machine_folder.mkdir()
    return profile


@pytest.mark.parametrize(("source", "places"), BROKEN)
def test_every_mistake_is_told_with_its_line_and_key(
    profile: Profile, source: str, places: list[tuple[int, str]]
) -> None:
    profile.config_file.write_text(source, encoding="utf-8")
    with pytest.raises(BadConfiguration) as raised:
        load(profile).check()
    assert isinstance(raised.value, ConfigurationProblems)
    assert [(one.line, one.key) for one in raised.value.problems] == places
    for line, key in places:
        assert f"{profile.config_file}:{line}: {key}" in raised.value.message
    assert raised.value.exit_code == 78


def test_a_mistake_says_what_is_allowed(profile: Profile) -> None:
    profile.config_file.write_text('[ui]\nlanguage = "fr"\n[ring]\nagain_seconds = 4', encoding="utf-8")
    with pytest.raises(BadConfiguration) as raised:
        load(profile).check()
    assert raised.value.title == "The configuration has 2 mistakes"
    first, second = raised.value.message.splitlines()
    assert first.endswith('"fr" is not allowed; allowed is "auto", "de" or "en"')
    assert second.endswith("4 is not allowed; allowed is a whole number from 5 to 3600")


def test_mistakes_of_both_files_are_told_at_once(profile: Profile) -> None:
    profile.machine_config_file.write_text("[ui", encoding="utf-8")
    profile.config_file.write_text("[ui]\nmask = 1", encoding="utf-8")
    with pytest.raises(ConfigurationProblems) as raised:
        load(profile).check()
    assert [one.file for one in raised.value.problems] == [profile.machine_config_file, profile.config_file]


def test_a_file_that_is_not_utf_8_tells_the_line(profile: Profile) -> None:
    profile.config_file.write_bytes(b'[ui]\norder_name = "Bestellung"\nflag_a = "K\xe4se"\n')
    with pytest.raises(ConfigurationProblems, match=r"config\.toml:3: not UTF-8"):
        load(profile).check()


def test_a_folder_in_place_of_the_file_is_a_mistake(profile: Profile) -> None:
    profile.config_file.mkdir()
    with pytest.raises(ConfigurationProblems, match="cannot be read"):
        load(profile).check()


def test_no_file_means_the_built_in_defaults(tmp_path: Path) -> None:
    loaded = load(Profile.at(tmp_path / "nowhere"))
    assert loaded.config == Config()
    assert loaded.warnings == ()
    assert not (tmp_path / "nowhere").exists()


def test_what_windows_editors_write_is_read(profile: Profile) -> None:
    profile.config_file.write_bytes(b'\xef\xbb\xbf[ui]\r\norder_name = "Bestellung"\r\ntimer = false\r\n')
    config = load(profile).config
    assert (config.ui.order_name, config.ui.timer) == ("Bestellung", False)


def test_the_users_file_wins_over_the_machines_key_by_key(profile: Profile) -> None:
    profile.machine_config_file.write_text(
        '[ring]\nagain_seconds = 60\nper_minute = 7\n[link.mqtt]\naddresses = ["a:1", "b:2"]\n'
        '[[quick_page]]\ntitle = "IT"\nto = "role:it"\n',
        encoding="utf-8",
    )
    profile.config_file.write_text(
        '[ring]\nagain_seconds = 45\n[link]\nmqtt.addresses = ["[fd00::1]:8883"]\n', encoding="utf-8"
    )
    config = load(profile).config
    assert (config.ring.again_seconds, config.ring.per_minute, config.ring.page_sound) == (45, 7, True)
    assert config.link.mqtt.addresses == ("[fd00::1]:8883",)
    assert config.quick_page == (QuickPage(title="IT", to="role:it"),)


def test_settings_cannot_be_changed_while_running(profile: Profile) -> None:
    config = load(profile).config
    with pytest.raises(AttributeError):
        config.ring.again_seconds = 1  # type: ignore[misc]
    assert hash(config)


def test_unknown_keys_warn_and_do_not_stop_the_start(profile: Profile) -> None:
    profile.config_file.write_text(
        '[rnig]\npage_sound = false\n[ring]\nagain_second = 9\n"a\\nb" = 1\n'
        '[[quick_page]]\ntitle = "A"\nto = "all"\nx = 1',
        encoding="utf-8",
    )
    loaded = load(profile)
    assert loaded.config.ring == Config().ring
    assert [(one.line, one.key) for one in loaded.warnings] == [
        (1, "rnig"),
        (4, "ring.again_second"),
        (5, 'ring."a\\nb"'),
        (9, "quick_page[1].x"),
    ]
    assert 'did you mean "ring"?' in loaded.warnings[0].text
    assert 'did you mean "again_seconds"?' in str(loaded.warnings[1])


def test_the_hub_has_its_own_file(profile: Profile) -> None:
    assert load_hub(profile).config == HubConfig()
    profile.hub_config_file.write_text(
        '[hub]\nsite = "diner"\nlisten = "::"\nnames = ["hub.diner.example", "192.0.2.1"]\nbroker = "mosquitto"',
        encoding="utf-8",
    )
    hub = load_hub(profile).config.hub
    assert (hub.site, hub.broker, hub.names) == ("diner", "mosquitto", ("hub.diner.example", "192.0.2.1"))
    assert load(profile).config == Config()


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('site = "My Site"', "hub.site"),
        ('site = "diner\\n"', "hub.site"),
        ('listen = "localhost"', "hub.listen"),
        ("http_port = 0", "hub.http_port"),
        ("mqtt_port = 65536", "hub.mqtt_port"),
        ('names = ["a b"]', "hub.names[1]"),
        ('names = ["-a.example"]', "hub.names[1]"),
        ('broker = "rabbit"', "hub.broker"),
        ('mosquitto_program = " "', "hub.mosquitto_program"),
        ("invite_hours = 0", "hub.invite_hours"),
    ],
)
def test_mistakes_in_the_hubs_file_are_told_too(profile: Profile, line: str, key: str) -> None:
    profile.hub_config_file.write_text(f"[hub]\n{line}\n", encoding="utf-8")
    with pytest.raises(ConfigurationProblems) as raised:
        load_hub(profile)
    assert [(one.line, one.key) for one in raised.value.problems] == [(2, key)]


def test_a_hub_does_not_start_on_a_mistake_where_a_station_goes_on(profile: Profile) -> None:
    for file in (profile.hub_config_file, profile.config_file):
        file.write_text("[log]\nkeep_files = 0\nmegabytes = 3\n", encoding="utf-8")
    loaded = load(profile)
    assert (loaded.config.log.keep_files, loaded.config.log.megabytes) == (5, 3)
    assert [one.key for one in loaded.mistakes] == ["log.keep_files"]
    with pytest.raises(ConfigurationProblems):
        load_hub(profile)


@pytest.mark.parametrize(("source", "places"), BROKEN)
def test_whatever_is_broken_the_station_has_settings_it_can_run_with(
    profile: Profile, source: str, places: list[tuple[int, str]]
) -> None:
    profile.machine_config_file.write_text("[ring]\nagain_seconds = 60\n", encoding="utf-8")
    profile.config_file.write_text(source, encoding="utf-8")
    config = load(profile).config
    assert config.ring.again_seconds == 60
    assert all(place is not None for place in (config.ui, config.link.mqtt, config.limits, config.log))


def test_a_broken_file_costs_nothing_of_the_others(profile: Profile) -> None:
    profile.machine_config_file.write_text("[ring]\nagain_seconds = 60\n", encoding="utf-8")
    profile.config_file.write_text('[ui\nlanguage = "de"', encoding="utf-8")
    loaded = load(profile)
    assert loaded.config.ring.again_seconds == 60
    assert [(one.file, one.line) for one in loaded.mistakes] == [(profile.config_file, 1)]


def test_a_change_is_noticed_once_and_a_broken_file_keeps_what_it_said(profile: Profile) -> None:
    loaded = load(profile)
    assert reload_if_changed(loaded, profile) is None

    profile.config_file.write_text("[ring]\nagain_seconds = 45\n", encoding="utf-8")
    news = reload_if_changed(loaded, profile)
    assert news
    assert news.config.ring.again_seconds == 45
    assert reload_if_changed(news, profile) is None

    for broken in ("[ring]\nagain_seconds = 4\n", "[ring"):
        profile.config_file.write_text(broken, encoding="utf-8")
        news = reload_if_changed(news, profile)
        assert news
        assert news.mistakes
        assert news.config.ring.again_seconds == 45
        assert reload_if_changed(news, profile) is None

    profile.machine_config_file.write_text("[ui]\nmask = false\n", encoding="utf-8")
    news = reload_if_changed(news, profile)
    assert news
    assert (news.config.ui.mask, news.config.ring.again_seconds) == (False, 45)

    profile.config_file.unlink()
    news = reload_if_changed(news, profile)
    assert news
    assert (news.mistakes, news.config.ring) == ((), Config().ring)


def test_a_file_put_in_place_with_the_same_size_and_time_is_noticed(profile: Profile) -> None:
    profile.config_file.write_text("ring.again_seconds = 45\n", encoding="utf-8")
    loaded = load(profile)
    before = profile.config_file.stat()
    other = profile.config_folder / "new"
    other.write_text("ring.again_seconds = 46\n", encoding="utf-8")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(profile.config_file)
    news = reload_if_changed(loaded, profile)
    assert news
    assert news.config.ring.again_seconds == 46
