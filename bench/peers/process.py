# SPDX-License-Identifier: Apache-2.0
"""Runs a program and says how long it took and how much memory it had: the same meter for all."""

import dataclasses
import os
import subprocess
import tempfile
import time

from peers.say import Failure


@dataclasses.dataclass(frozen=True)
class Finished:
    out: str
    wall_s: float
    peak_rss_bytes: int  # of the program; no less than what this Python has, some 20 MB


def end(child):
    """Ends a child that still runs: kindly, then not."""
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(timeout=5)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def run(command, env=None, cwd=None):
    """Failure where the program fails, with the end of what it said on stderr."""
    command = [str(word) for word in command]
    with tempfile.TemporaryFile("w+", errors="replace") as out, \
            tempfile.TemporaryFile("w+", errors="replace") as err:
        start = time.monotonic()
        try:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                     env={**os.environ, **(env or {})}, cwd=cwd)
        except OSError as error:
            raise Failure(f"cannot start {command[0]}: {error.strerror}") from None
        try:
            # Not child.wait(): only wait4 says what the child has used.
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        finally:
            end(child)
        wall_s = time.monotonic() - start
        if child.returncode != 0:
            raise Failure(f"{os.path.basename(command[0])} {how_it_ended(child.returncode)}"
                          f"{last_lines(err)}", "again: " + " ".join(command))
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
