# SPDX-License-Identifier: Apache-2.0
"""Runs a program and says how long it took and how much memory it had: the same meter for all."""

import contextlib
import dataclasses
import os
import signal
import subprocess
import tempfile
import time

from peers.say import Failure


@dataclasses.dataclass(frozen=True)
class Finished:
    out: str
    wall_s: float
    peak_rss_bytes: int  # of the program; no less than what this Python has, some 20 MB


PATIENCE_S = 3


def start(command, **settings):
    """A child that can be ended with all its own children. The terminal's Ctrl-C does not reach it:
    it hears of that once, by end(), and so cleans up only once."""
    return subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                            process_group=0, **settings)


def end(child):
    """Ends what start() began and what still runs: as by Ctrl-C, so that it cleans up, then
    less kindly."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        if child.poll() is not None:
            return
        os.killpg(child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(PATIENCE_S)


def status_of(command, **settings):
    """Runs a program that talks to people itself; its exit status."""
    child = start(command, **settings)
    try:
        return child.wait()
    finally:
        end(child)


def run(command, env=None):
    """Failure where the program fails, with the end of what it said on stderr."""
    with tempfile.TemporaryFile("w+", errors="replace") as out, \
            tempfile.TemporaryFile("w+", errors="replace") as err:
        begin = time.monotonic()
        try:
            child = start(command, stdout=out, stderr=err, env={**os.environ, **(env or {})})
        except OSError as error:
            raise Failure(f"cannot start {command[0]}: {error.strerror}") from None
        try:
            # Not child.wait(): only wait4 says what the child has used.
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        finally:
            end(child)
        wall_s = time.monotonic() - begin
        if child.returncode != 0:
            raise Failure(f"{os.path.basename(str(command[0]))} {how_it_ended(child.returncode)}"
                          f"{last_lines(err)}", "again: " + " ".join(map(str, command)))
        out.seek(0)
        return Finished(out.read(), wall_s, usage.ru_maxrss * 1024)


def how_it_ended(status):
    if status == -9:
        return "was killed, as happens where memory runs out"
    return f"ended by signal {-status}" if status < 0 else f"failed with status {status}"


def last_lines(file, n_lines=8):
    file.seek(0)
    lines = [line for line in file.read().splitlines() if line.strip()][-n_lines:]
    return ("; the end of what it said:\n" + "\n".join(f"     | {line}" for line in lines)
            if lines else "")
