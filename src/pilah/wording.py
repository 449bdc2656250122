"""How a count is worded in English; the web app has its own texts."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """Such as `1 photo` and `1,200 photos`; `plural` is for a noun that does not just add an s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
