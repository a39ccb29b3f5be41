"""The icon on the bus, as panels read and click it (org.kde.StatusNotifierItem)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from dbus_fast import PropertyAccess
from dbus_fast.annotations import DBusBool, DBusInt32, DBusObjectPath, DBusSignature, DBusStr, DBusUInt32
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal

from agent.ui.icons import Picture, Pixmap
from agent.ui.tray import dbusmenu
from agent.ui.view import IconState

# A panel reads all properties once, and again those a New... signal names.
# Pictures are (width, height, pixels), pixels four bytes each: alpha, red, green, blue. We give several sizes and no
# names: named icons cannot carry a number, and some panels draw nothing when they do not find the name.
PATH = "/StatusNotifierItem"
READ = PropertyAccess.READ
Pixmaps = Annotated[list[Pixmap], DBusSignature("a(iiay)")]


@dataclass(frozen=True, slots=True)
class Face:
    """What the item shows; the first line of the tooltip is its title."""

    picture: Picture
    tooltip: str = ""
    visible: bool = False

    @property
    def status(self) -> str:
        """`Passive` hides the icon, `NeedsAttention` makes panels show it even where they hide icons."""
        if not self.visible:
            return "Passive"
        return "NeedsAttention" if self.picture.attention else "Active"


class Item(ServiceInterface):
    """Shows one face to every panel that asks; `activated` is called on a left click."""

    def __init__(self, name: str, title: str, activated: Callable[[], None]) -> None:
        super().__init__("org.kde.StatusNotifierItem")
        self._id = name
        self._title_text = title
        self._activated = activated
        self._face = Face(Picture(IconState.OFFLINE))

    def wear(self, face: Face) -> None:
        """Show `face` from now on and tell panels what changed."""
        before, self._face = self._face, face
        if face.picture != before.picture:
            self.new_icon()
            self.new_attention_icon()
        if face.tooltip != before.tooltip:
            self.new_tooltip()
        if face.status != before.status:
            self.new_status(face.status)

    @dbus_property(READ, "Category")
    def category(self) -> DBusStr:
        """What kind of program this is."""
        return "Communications"

    @dbus_property(READ, "Id")
    def id(self) -> DBusStr:
        """Under which name panels remember whether to show the icon."""
        return self._id

    @dbus_property(READ, "Title")
    def title(self) -> DBusStr:
        """The program's name for people."""
        return self._title_text

    @dbus_property(READ, "Status")
    def status(self) -> DBusStr:
        """Passive, Active or NeedsAttention."""
        return self._face.status

    @dbus_property(READ, "WindowId")
    def window_id(self) -> DBusUInt32:
        """No window."""
        return 0

    @dbus_property(READ, "IconThemePath")
    def icon_theme_path(self) -> DBusStr:
        """No named icons."""
        return ""

    @dbus_property(READ, "IconName")
    def icon_name(self) -> DBusStr:
        """Pictures only."""
        return ""

    @dbus_property(READ, "IconPixmap")
    def icon_pixmap(self) -> Pixmaps:
        """The icon."""
        return list(self._face.picture.pixmaps())

    @dbus_property(READ, "OverlayIconName")
    def overlay_icon_name(self) -> DBusStr:
        """None; the count is drawn into the icon, because many panels leave overlays out."""
        return ""

    @dbus_property(READ, "OverlayIconPixmap")
    def overlay_icon_pixmap(self) -> Pixmaps:
        """None."""
        return []

    @dbus_property(READ, "AttentionIconName")
    def attention_icon_name(self) -> DBusStr:
        """Pictures only."""
        return ""

    @dbus_property(READ, "AttentionIconPixmap")
    def attention_icon_pixmap(self) -> Pixmaps:
        """The same icon; it has its own face for attention."""
        return list(self._face.picture.pixmaps())

    @dbus_property(READ, "AttentionMovieName")
    def attention_movie_name(self) -> DBusStr:
        """Nothing moves."""
        return ""

    @dbus_property(READ, "ToolTip")
    def tooltip(self) -> Annotated[tuple[str, list[Pixmap], str, str], DBusSignature("(sa(iiay)ss)")]:
        """Icon name, icon, title, text. The title is plain, in the text panels read markup."""
        title, _, text = self._face.tooltip.partition("\n")
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return "", [], title, escaped

    @dbus_property(READ, "ItemIsMenu")
    def item_is_menu(self) -> DBusBool:
        """A left click does more than open the menu."""
        return False

    @dbus_property(READ, "Menu")
    def menu(self) -> DBusObjectPath:
        """Where the menu is."""
        return dbusmenu.PATH

    @dbus_method("Activate")
    def activate(self, _x: DBusInt32, _y: DBusInt32) -> None:
        """Left click."""
        self._activated()

    @dbus_method("SecondaryActivate")
    def secondary_activate(self, _x: DBusInt32, _y: DBusInt32) -> None:
        """Middle click."""

    @dbus_method("ContextMenu")
    def context_menu(self, _x: DBusInt32, _y: DBusInt32) -> None:
        """Right click in a panel that cannot draw menus; there is nothing to draw one with here either."""

    @dbus_method("Scroll")
    def scroll(self, _delta: DBusInt32, _orientation: DBusStr) -> None:
        """The mouse wheel."""

    @dbus_method("ProvideXdgActivationToken")
    def provide_xdg_activation_token(self, _token: DBusStr) -> None:
        """Plasma sends one before each click."""

    @dbus_signal("NewIcon")
    def new_icon(self) -> None:
        """Read the icon again."""

    @dbus_signal("NewAttentionIcon")
    def new_attention_icon(self) -> None:
        """Read the icon for attention again."""

    @dbus_signal("NewToolTip")
    def new_tooltip(self) -> None:
        """Read the tooltip again."""

    @dbus_signal("NewStatus")
    def new_status(self, status: str) -> DBusStr:
        """The status is this now."""
        return status
