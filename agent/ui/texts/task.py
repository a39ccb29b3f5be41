"""What `nmr task` says in sentences, in tables of its own: an agent and a window do not load them."""

from __future__ import annotations

from agent.ui.texts import Texts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent.ui.texts import Language


def task_texts(language: Language) -> Texts:
    """The texts about tasks in `language`."""
    if language == "de":
        from agent.ui.texts.task_de import TEXTS
    else:
        from agent.ui.texts.task_en import TEXTS
    return Texts(language, TEXTS)
