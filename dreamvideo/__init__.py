"""DeepDream for moving pictures."""

from importlib.metadata import version

__version__ = version("dreamvideo")
