"""The colours of the light and the dark theme; every text reaches a contrast of 4.5 on what it stands on."""


class Palette:
    """Colours as #rrggbb, named by what they are for."""

    dark: bool
    back: str
    """Behind everything."""
    side: str
    """The column on the left."""
    surface: str
    """Lists, fields and cards."""
    line: str
    """Hairlines and quiet borders."""
    edge: str
    """Borders of fields and buttons."""
    text: str
    muted: str
    faint: str
    """Texts of things that cannot be used now."""
    accent: str
    on_accent: str
    accent_down: str
    """The accent while pressed or under the pointer."""
    chosen: str
    """Behind a selected row."""
    raised: str
    """Buttons and chips."""
    raised_over: str
    good: str
    warn: str
    bad: str
    on_bad: str
    bad_back: str
    """Behind a warning about something broken."""
    warn_back: str


class Light(Palette):
    """Dark words on light ground."""

    dark = False
    back = "#f4f5f7"
    side = "#e9ebef"
    surface = "#ffffff"
    line = "#e1e4e9"
    edge = "#c3c9d2"
    text = "#1b222c"
    muted = "#596372"
    faint = "#8a93a0"
    accent = "#0f62c9"
    on_accent = "#ffffff"
    accent_down = "#0b50a6"
    chosen = "#dfeafb"
    raised = "#ffffff"
    raised_over = "#eef1f5"
    good = "#167544"
    warn = "#8a5200"
    bad = "#c0262d"
    on_bad = "#ffffff"
    bad_back = "#fde8e8"
    warn_back = "#fdf1dc"


class Dark(Palette):
    """Light words on dark ground."""

    dark = True
    back = "#191c21"
    side = "#13161a"
    surface = "#21252b"
    line = "#2e343c"
    edge = "#454d58"
    text = "#e9ecf0"
    muted = "#a3acb8"
    faint = "#6f7985"
    accent = "#6cacff"
    on_accent = "#0b1524"
    accent_down = "#8dbeff"
    chosen = "#263b58"
    raised = "#2b3038"
    raised_over = "#353b45"
    good = "#57c88d"
    warn = "#f0b75a"
    bad = "#ff8480"
    on_bad = "#2a0808"
    bad_back = "#482326"
    warn_back = "#40341d"


LIGHT, DARK = Light(), Dark()


def contrast(one: str, other: str) -> float:
    """The contrast of two colours by WCAG 2, from 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(part / 255) for part in rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004 - as the standard writes it


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue of #rrggbb, each 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
