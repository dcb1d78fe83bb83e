"""What a first frame of 400 pixels waits for, in a process of its own: a name and seconds in each line."""

import time

import numpy as np

from dreamvideo.config import Config
from dreamvideo.dream.engine import Dreamer
from dreamvideo.dream.networks import load_network
from dreamvideo.motion.carry import Seen
from dreamvideo.render.recurrence import Recurrence
from dreamvideo.render.timeline import unmoved


def main() -> None:
    config, frame = Config(), np.random.default_rng(0).random((225, 400, 3), np.float32)
    marks = [time.perf_counter()]
    network = load_network(config.dream.network)
    marks.append(time.perf_counter())
    dreamer = Dreamer(config.dream, seed=0, network=network)
    marks.append(time.perf_counter())
    for _ in range(2):
        Recurrence(unmoved(config), dreamer).next(Seen(0, frame))
        marks.append(time.perf_counter())
    loading, folding, first, again = np.diff(marks)
    print("loading the network", loading)
    print("cutting and folding it", folding)
    print("tracing, optimising and compiling the steps", first - again)
    print("the steps", again)


if __name__ == "__main__":
    main()
