"""The error for bad input, which a user can fix."""


class UserError(ValueError):
    """Bad input. The message names the key, the value and the remedy in one line.

    Everything that can be checked is checked before training starts, so that this error never
    costs results. Entry points print its message without a traceback.
    """
