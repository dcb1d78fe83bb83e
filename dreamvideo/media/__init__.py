"""Pictures and sound in and out: the only room that touches bytes, files and ffmpeg."""
