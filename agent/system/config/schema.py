"""Every setting there is: its type, its default, what is allowed and one line about it.

The station's file is `Config`, the hub's is `HubConfig`; a field that is a Struct is a table, a tuple of Structs an
array of tables. Reading, checking, `nmr config show` and the reference are all computed from these classes.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from agent.domain.names import is_name
from agent.system.config.schema_links import Links, MailLink
from agent.system.config.schema_tasks import MOST_TYPES, TaskType, Worker
from agent.system.config.values import (
    HIGHEST_PORT,
    NOTE_LENGTH,
    is_audience,
    is_host,
    is_ip_address,
    is_network,
    is_note,
    is_program,
    is_secret,
    is_stun,
    is_turn,
    label_of,
    secret_of,
    text_of,
)

MOST_QUICK_PAGES = 20

Port = Annotated[int, Meta(ge=1, le=HIGHEST_PORT)]


class Ui(Struct, frozen=True, kw_only=True):
    """What staff see. Names left at their defaults are shown in the language of menus and windows."""

    language: Annotated[
        Literal["auto", "en", "de"], Meta(description="Language of menus and windows; auto asks the system")
    ] = "auto"
    theme: Annotated[Literal["auto", "light", "dark"], Meta(description="Colours of windows and tray icon")] = "auto"
    order_name: Annotated[str, label_of("What an order is called here")] = "Order"
    item_name: Annotated[str, label_of("What the list of sold out or limited things is called here")] = "86"
    subtitle_name: Annotated[str, label_of("What the masked second line of an order holds")] = "Phone Number"
    flag_a: Annotated[str, label_of("Name of an order's first flag")] = "Dessert"
    flag_b: Annotated[str, label_of("Name of an order's second flag")] = "Milkshake"
    item_flag_a: Annotated[str, label_of("Name of an item's first flag")] = "Limited"
    item_flag_b: Annotated[str, label_of("Name of an item's second flag")] = "Sold Out"
    mask: Annotated[
        bool, Meta(description="Show only the last four characters of the second line until a row is selected")
    ] = True
    timer: Annotated[bool, Meta(description="Show how long ago an order was made")] = True
    timer_seconds: Annotated[int, Meta(ge=1, le=60, description="Seconds between two repaints of that age")] = 5
    quit_allowed: Annotated[bool, Meta(description="Offer Quit in the tray menu")] = True


class Ring(Struct, frozen=True, kw_only=True):
    """How a page rings at this station."""

    again_seconds: Annotated[
        int, Meta(ge=5, le=3600, description="Seconds until the sound comes again while nobody answers")
    ] = 30
    page_sound: Annotated[bool, Meta(description="Play the sound of a page")] = True
    order_sound: Annotated[bool, Meta(description="Play a sound once when an order is new")] = True
    do_not_disturb_max_minutes: Annotated[
        int, Meta(ge=0, le=1440, description="The longest Do not disturb a person may choose; 0 takes it off the menu")
    ] = 480
    urgent_breaks_dnd: Annotated[bool, Meta(description="An urgent page rings in spite of Do not disturb")] = True
    per_minute: Annotated[
        int, Meta(ge=1, le=100000, description="Rings of one sender in a minute before they become one summary")
    ] = 10


class QuickPage(Struct, frozen=True, kw_only=True):
    """One ready-made page in the tray menu; write the table once for each."""

    title: Annotated[str, label_of("Text of the menu entry")]
    to: Annotated[str, text_of("role:NAME, person:NAME, station:NAME or all", is_audience, "Who is paged")]
    note: Annotated[
        str, text_of(f"a text of at most {NOTE_LENGTH} characters", is_note, "Note that goes with the page")
    ] = ""
    urgent: Annotated[bool, Meta(description="Send it as urgent")] = False


class Limits(Struct, frozen=True, kw_only=True):
    """How much one other station may send us."""

    peer_rate: Annotated[float, Meta(ge=0.1, le=10000, description="Messages a second, for long")] = 50.0
    peer_burst: Annotated[int, Meta(ge=1, le=100000, description="Messages at once")] = 500


class Log(Struct, frozen=True, kw_only=True):
    """The log files; they never hold texts of messages."""

    level: Annotated[Literal["debug", "info", "warning", "error"], Meta(description="The least that is written")] = (
        "info"
    )
    keep_files: Annotated[int, Meta(ge=1, le=100, description="Files kept, the current one counted")] = 5
    megabytes: Annotated[int, Meta(ge=1, le=100, description="Size at which a new file is begun")] = 2


class Config(Struct, frozen=True, kw_only=True):
    """Settings of a station, `config.toml`."""

    ui: Ui = Ui()
    ring: Ring = Ring()
    quick_page: Annotated[tuple[QuickPage, ...], Meta(max_length=MOST_QUICK_PAGES)] = ()
    limits: Limits = Limits()
    link: Links = Links()
    worker: Worker = Worker()
    task: Annotated[tuple[TaskType, ...], Meta(max_length=MOST_TYPES)] = ()
    log: Log = Log()


class Turn(Struct, frozen=True, kw_only=True):
    """The site's TURN servers, for stations that find no direct way to each other."""

    urls: Annotated[
        tuple[Annotated[str, text_of('"turn:host:port", "?transport=tcp" behind it or not', is_turn)], ...],
        Meta(max_length=8, description="Where they are; stations are told when they are let in"),
    ] = ()
    secret: Annotated[
        str,
        secret_of(f"a text of at most {NOTE_LENGTH} characters in one line", is_secret, "coturn's static-auth-secret"),
    ] = ""

    def __repr__(self) -> str:
        """Everything but the secret: what is logged or shown is this."""
        return f"Turn(urls={self.urls!r})"


class Hub(Struct, frozen=True, kw_only=True):
    """The site's server."""

    site: Annotated[
        str,
        text_of(
            "1 to 32 of a-z, 0-9 and -, not - first",
            is_name,
            "Name of the site; never change it after the first enrolment",
        ),
    ] = "site"
    listen: Annotated[str, text_of("an IP address", is_ip_address, "Where the hub and its broker listen")] = "0.0.0.0"  # noqa: S104 - stations are on other computers
    http_port: Annotated[Port, Meta(description="Port of enrolment, signaling and web page (HTTPS)")] = 8443
    mqtt_port: Annotated[Port, Meta(description="Port of the broker (MQTT over TLS)")] = 8883
    names: Annotated[
        tuple[Annotated[str, text_of("a host name or an IP address", is_host)], ...],
        Meta(max_length=32, description="Names and addresses stations reach the hub by; they go into its certificate"),
    ] = ()
    broker: Annotated[
        Literal["nats", "mosquitto"], Meta(description="Which broker the hub runs: the embedded one or Mosquitto")
    ] = "nats"
    mosquitto_program: Annotated[
        str,
        text_of("a program or its path", is_program, "Where Mosquitto is"),
    ] = "mosquitto"
    invite_hours: Annotated[int, Meta(ge=1, le=720, description="Hours an invite can be used")] = 24
    psk_days: Annotated[
        int, Meta(ge=1, le=3650, description="Days a station's key is good; it is renewed by itself before they end")
    ] = 30
    metrics_from: Annotated[
        tuple[Annotated[str, text_of('an IP address or a network as "10.0.0.0/24"', is_network)], ...],
        Meta(max_length=32, description="Who may read the hub's numbers at /metrics (HTTPS)"),
    ] = ("127.0.0.1", "::1")
    stun: Annotated[
        str,
        text_of('"stun:host:port", or empty', is_stun, "Tells stations their address outside; empty asks nobody"),
    ] = "stun:nadooit.de:3478"
    turn: Turn = Turn()
    mail: MailLink = MailLink()


class HubConfig(Struct, frozen=True, kw_only=True):
    """Settings of the hub, `hub.toml`."""

    hub: Hub = Hub()
    log: Log = Log()


FOR_STAFF = (
    "ui.language",
    "ui.theme",
    "ui.mask",
    "ui.timer",
    "ring.page_sound",
    "ring.order_sound",
    "ring.again_seconds",
    "ring.urgent_breaks_dnd",
)
"""What staff may choose in the window, in this order; all of it takes effect at once."""

_AT_START = (
    "link.mqtt.enabled",
    "link.mqtt.addresses",
    "link.p2p",
    "link.mail",
    "worker",
    "task",
    "limits",
    "log",
    "hub",
)


def needs_restart(key: str) -> bool:
    """Whether a setting is only read when the agent (or hub) starts."""
    return any(key == one or key.startswith(f"{one}.") for one in _AT_START)
