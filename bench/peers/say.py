# SPDX-License-Identifier: Apache-2.0
"""How the benchmarks talk: one line a step on stderr; a failure with the next thing to try."""

import os
import signal
import sys

SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class Failure(Exception):
    """Ends the program: what was found, and the next step."""

    def __init__(self, what, hint=""):
        super().__init__(what)
        self.what = what
        self.hint = hint


def progress(text):
    """The last line of a terminal, until the next one or what is said; elsewhere nothing."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def say(text):
    progress("")
    print(f"bench: {text}", file=sys.stderr, flush=True)


def stop_by_signal(number, _frame):
    for other in SIGNALS:  # once is enough: the rest of the way is cleaning up
        signal.signal(other, signal.SIG_IGN)
    raise SystemExit(128 + number)


def run_main(main):
    """main() with failures as two lines and status 1; Ctrl-C is 130, also where a shell that runs
    its jobs in the background had it ignored. nohup's SIGHUP stays ignored."""
    for number in SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, stop_by_signal)
    if sys.stdout is None:
        say("standard output is closed: there is no place for a table")
        return 1
    try:
        status = main()
        sys.stdout.flush()
        return status
    except Failure as failure:
        say(failure.what)
        if failure.hint:
            print(f"       {failure.hint}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of the table has gone; Python would say so at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        say(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        return 1
