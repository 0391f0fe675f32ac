"""Makes foreign text safe to print: on one line, without control sequences."""


def visible(text: str) -> str:
    r"""Escape characters that cannot be printed, as Python does, e.g. ``\n`` and ``\x1b``.

    Needed because names, paths, causes and reasons come from users, their code, libraries and file
    systems.
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def counted(number: int, what: str) -> str:
    """Return a number with its noun in singular or plural: ``1 round``, ``2 rounds``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
