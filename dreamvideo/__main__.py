"""``python -m dreamvideo`` is the command line."""

import sys

from dreamvideo.cli import main

sys.exit(main())
