"""Text that is not ours, such that it can be shown: on one line, without commands to a terminal."""


def visible(text: str) -> str:
    r"""Write what cannot be printed as Python does: ``\n`` for a newline, ``\x1b`` for an escape.

    Names, paths, causes and reasons come from users, their code, libraries and file systems.
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def counted(number: int, what: str) -> str:
    """Return ``1 round``, ``2 rounds``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
