"""A training that a test kills: ``python interrupted_training.py CHECKPOINT STEP``.

The process kills itself, as ``kill -9`` does, when it is about to give that step's checkpoint its
name.
"""

from __future__ import annotations

import os
import signal
import sys

import test_real_time

from nsthelpers.real_time.training import _Lesson


def main(checkpoint, step):
    def die(*_):
        os.kill(os.getpid(), signal.SIGKILL)

    original = _Lesson.step

    def learn(lesson, number, rate):
        if number == int(step):
            os.replace = die
        return original(lesson, number, rate)

    _Lesson.step = learn
    test_real_time.train(checkpoint=checkpoint)


if __name__ == "__main__":
    main(*sys.argv[1:])
