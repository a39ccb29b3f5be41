"""The window's texts: all that an agent says too, and tables of its own that no agent loads."""

from __future__ import annotations

from agent.ui.texts import Texts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent.ui.texts import Language


def window_texts(language: Language) -> Texts:
    """The texts of the window in `language`."""
    if language == "de":
        from agent.ui.texts.de import TEXTS as AGENT
        from agent.ui.texts.window_de import TEXTS
    else:
        from agent.ui.texts.en import TEXTS as AGENT
        from agent.ui.texts.window_en import TEXTS
    return Texts(language, {**AGENT, **TEXTS})
