"""What each run-config key means; here and not in ``fog_flower``, to keep Flower's bundle small."""

from fog_flower.config import RunConfig


def key_help() -> list[tuple[str, str]]:
    """Return every key with its explanation, in order."""
    return [
        (
            key,
            field.metadata["help"]
            + (f" [{', '.join(field.metadata['choices'])}]" if field.metadata["choices"] else ""),
        )
        for key, field in RunConfig.keys().items()
    ]
