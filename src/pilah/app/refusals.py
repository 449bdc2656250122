"""What a refusal says, in the visitor's language."""

from pilah.app.plain import plain
from pilah.texts import texts
from pilah.uploads import Refused


def refusal(refused: Refused, language: str) -> str:
    """What was received and what to do, as Markdown."""
    shown = {
        name: plain(value) if isinstance(value, str) else value
        for name, value in refused.values.items()
    }
    return texts(language)(f"limits.{refused.why}", **shown)
