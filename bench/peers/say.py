# SPDX-License-Identifier: Apache-2.0
"""How the benchmarks talk: one line a step on stderr; a failure with the next thing to try."""

import signal
import sys


class Failure(Exception):
    """Ends the program: what was found, and the next step."""

    def __init__(self, what, hint=""):
        super().__init__(what)
        self.what = what
        self.hint = hint


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def stop_by_signal(number, _frame):
    raise SystemExit(128 + number)


def run_main(main):
    """main() with failures as two lines and status 1; Ctrl-C is 130, also where a shell that runs
    its jobs in the background had it ignored."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop_by_signal)
    try:
        return main()
    except Failure as failure:
        say(failure.what)
        if failure.hint:
            print(f"       {failure.hint}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of the table has gone
        return 1
