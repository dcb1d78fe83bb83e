"""The command line: the only room that prints or exits."""

from dreamvideo.cli.app import main

__all__ = ["main"]
