"""Channels as a person names them: ``0-63,139``."""

import re

from dreamvideo.errors import ConfigError


def choose_channels(text: str | None, layer: str, count: int) -> list[int]:
    """The channels that ``text`` names, in its order and each once; all ``count`` of ``layer`` if it is None.

    Raises ``ConfigError`` for what is no number or range, and for a channel past the last one.
    """
    if text is None:
        return list(range(count))
    chosen: dict[int, None] = {}
    for part in text.split(","):
        first, last = _range(part.strip(), text)
        if last >= count:
            raise ConfigError(f"{layer} has no channel {last}; its last is {count - 1}")
        chosen.update(dict.fromkeys(range(first, last + 1)))
    return list(chosen)


def _range(part: str, text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]{1,9})(?:\s*-\s*([0-9]{1,9}))?", part)
    if found is None:
        raise ConfigError(f"--channels {text}: '{part}' is no channel; give numbers and ranges such as 0-63,139")
    first, last = int(found[1]), int(found[2] or found[1])
    if last < first:
        raise ConfigError(f"--channels {text}: {part} runs backwards; write {last}-{first}")
    return first, last
