"""What can go wrong, as the person at the terminal will read it.

Every error that is not a bug in the program is a ``DreamError``: one clear sentence that names the value at fault
and what would be right. The command line prints the sentence and exits with the class's ``exit_code``.
"""


class DreamError(Exception):
    """An error whose message is meant for the user. ``exit_code`` is the process's exit status."""

    exit_code = 1


class ConfigError(DreamError):
    """A setting, preset, option or layer name that is not valid."""

    exit_code = 2


class InputError(DreamError):
    """An input that is missing or cannot be decoded."""

    exit_code = 3


class OutputError(DreamError):
    """An output that exists, cannot be written, or whose disk is full."""

    exit_code = 4


class NetworkError(DreamError):
    """A network or its weights that are missing, corrupt or not understood."""

    exit_code = 5


class DreamFailed(DreamError):
    """The dream itself failed: out of memory, or a gradient that is not finite."""

    exit_code = 6
