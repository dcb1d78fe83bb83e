"""The frames of an input beside those of its dream."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice

import numpy as np

from dreamvideo.media.clip import ClipSource
from dreamvideo.media.prefetch import prefetch
from dreamvideo.media.source import Source, open_source
from dreamvideo.score.result import Settings
from dreamvideo.score.shape import common_size, fitted

AHEAD = 1  # frames that are decoded beforehand: 100 MB each at 3840x2160
MOST_COUNTED = 250  # frames that only one clip has are counted up to here; what is left is taken from the header


class Pairs:
    """Both clips, frame by frame, for as long as both last. A context manager that ends their decoders.

    Frames belong together by their number. Where neither the counts nor the rates agree, but the durations do, it is
    by their time: then the output is resampled to the input's rate.

    Attributes
    ----------
    source, dream : the input, as it was dreamed, and the output.
    size : (width, height) at which both are compared.
    frames : how many frames each has, known after iterating.
    """

    def __init__(self, input_path: str, output_path: str, settings: Settings) -> None:
        """Raises ``InputError``."""
        asked = {"start": settings.start, "end": settings.end, "width": settings.width, "rate": settings.rate}
        self.source, self.dream = open_source(input_path, **asked), open_source(output_path)
        self.resampled_from: tuple[Fraction, int] | None = None
        if self._only_times_agree():
            self.resampled_from = self.dream.rate, self.dream.frame_count or 0
            self.dream = open_source(output_path, rate=self.source.rate)
        self.size = common_size(self.source, self.dream)
        self.frames = [0, 0]

    @property
    def rate(self) -> Fraction:
        """Frames a second: the input's, or the output's where the input has no time."""
        timeless = not isinstance(self.source, ClipSource)
        return self.dream.rate if timeless and isinstance(self.dream, ClipSource) else self.source.rate

    def _only_times_agree(self) -> bool:
        source, dream = self.source, self.dream
        if not (isinstance(source, ClipSource) and isinstance(dream, ClipSource)) or source.rate == dream.rate:
            return False
        if source.frame_count is None or dream.frame_count is None:
            return False
        seconds = [clip.frame_count / clip.rate for clip in (source, dream) if clip.frame_count is not None]
        same_count = abs(source.frame_count - dream.frame_count) <= 1
        return not same_count and abs(seconds[0] - seconds[1]) <= 1 / min(source.rate, dream.rate)

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Frames of ``size``, ``float32 [height, width, 3]`` in [0, 1]. Raises ``InputError``."""
        shape = self.size[::-1]
        with prefetch(self.source.frames(), AHEAD) as inputs, prefetch(self.dream.frames(), AHEAD) as outputs:
            while True:
                pair = next(inputs, None), next(outputs, None)
                self.frames = [count + (frame is not None) for count, frame in zip(self.frames, pair, strict=True)]
                frame, dreamed = pair
                if frame is None or dreamed is None:
                    break
                yield fitted(frame, shape), fitted(dreamed, shape)
            rest = (inputs, self.source), (outputs, self.dream)
            self.frames = [_counted(count, *each) for count, each in zip(self.frames, rest, strict=True)]

    def __enter__(self) -> "Pairs":
        return self

    def __exit__(self, *_: object) -> None:
        self.source.close()
        self.dream.close()


def _counted(before: int, rest: Iterator[np.ndarray], source: Source) -> int:
    more = sum(1 for _ in islice(rest, MOST_COUNTED))
    return max(before + more, source.frame_count or 0) if more == MOST_COUNTED else before + more
