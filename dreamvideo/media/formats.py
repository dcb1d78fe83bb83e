"""What ffmpeg may take a file for, and how large its frames may be: clips come from strangers."""

from dreamvideo.config import MAX_PIXELS

# Playlists, patterns and descriptions of streams are not here (concat, hls, dash, image2, imf, sdp, vobsub, avisynth):
# they open other files than the one that was named. Neither is what any text or noise is taken for (tty, rawvideo).
_CLIPS = (
    *("mov", "matroska", "avi", "gif", "mpegts", "mpeg", "mpegvideo", "asf", "flv", "live_flv", "ogg", "nut", "mxf"),
    *("gxf", "dv", "wtv", "rm", "swf", "ivf", "obu", "av1", "h261", "h263", "h264", "hevc", "vvc", "m4v", "vc1"),
    *("vc1test", "cavsvideo", "avs2", "avs3", "dirac", "dnxhd", "evc", "mjpeg", "mjpeg_2000", "mpjpeg", "yuv4mpegpipe"),
    *("apng", "webp_anim", "jpegxl_anim", "flic", "film_cpk", "smk", "bink", "roq", "nuv", "mv", "mlv", "cine", "ser"),
    *("rpl", "ea", "4xm", "idcin", "wc3movie", "nsv", "ty", "pva", "pmp", "anm", "iff", "amv"),
)
_STILLS = (
    *("bmp", "cri", "dds", "dpx", "exr", "gem", "hdr", "j2k", "jpeg", "jpegls", "jpegxl", "jpegxs", "pam", "pbm"),
    *("pcx", "pfm", "pgm", "pgmyuv", "pgx", "phm", "photocd", "pictor", "png", "ppm", "psd", "qdraw", "qoi", "sgi"),
    *("sunrast", "tiff", "vbn", "webp", "xbm", "xpm", "xwd"),
)
_SOUNDS = (
    *("mp3", "wav", "w64", "aac", "flac", "aiff", "au", "caf", "ac3", "ac4", "eac3", "dts", "dtshd", "truehd", "mlp"),
    *("amr", "amrnb", "amrwb", "ape", "tak", "tta", "wv", "mpc", "mpc8", "shn", "ofr", "oma", "voc", "sox", "ircam"),
    *("gsm", "dsf", "iff", "spdif", "loas", "latm", "avr", "aa", "aax", "bit", "qoa", "svag", "xwma", "rso", "smjpeg"),
)
_FORMATS = ",".join(dict.fromkeys((*_CLIPS, *(f"{name}_pipe" for name in _STILLS), "gif_pipe", *_SOUNDS)))
_MOST = 2**31 - 1  # that ffmpeg takes


def guards(max_pixels: int = MAX_PIXELS) -> list[str]:
    """ffmpeg options to stand before an input: refuse what opens other files, and frames of too many pixels.

    ffmpeg counts a frame's padding, so that it gets some more than ``max_pixels``; a frame's exact size is for its
    reader to check.
    """
    padded = max_pixels + max_pixels // 4 + (1 << 22)
    return ["-format_whitelist", _FORMATS, "-max_pixels", str(min(padded, _MOST))]
