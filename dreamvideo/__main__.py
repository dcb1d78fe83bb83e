"""``python -m dreamvideo`` is the command line."""

from dreamvideo.cli import main

main()
