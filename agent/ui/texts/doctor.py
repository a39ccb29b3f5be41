"""The doctor's texts, in tables of their own: an agent and a window that nobody examines do not load them."""

from __future__ import annotations

from agent.ui.texts import Texts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent.ui.texts import Language


def doctor_texts(language: Language) -> Texts:
    """The doctor's texts in `language`."""
    if language == "de":
        from agent.ui.texts.doctor_de import TEXTS
    else:
        from agent.ui.texts.doctor_en import TEXTS
    return Texts(language, TEXTS)
