# SPDX-License-Identifier: Apache-2.0
"""The machine that is measured, and whether it is quiet enough for that."""

import contextlib
import fcntl
import os
import pathlib
import platform
import time

from peers.say import Failure, say


def n_processors():
    """Those that this process may use, as wattle counts them."""
    return len(os.sched_getaffinity(0))


def processor_name():
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() in ("model name", "Model"):
                return value.strip()
    except OSError:
        pass
    return platform.machine()


def memory_bytes():
    """Available without swapping."""
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key == "MemAvailable":
            return int(value.split()[0]) * 1024
    raise Failure("/proc/meminfo has no line MemAvailable")


def memory_shortage(needed_bytes):
    """What is to be said where so much is not available, else ""."""
    available = memory_bytes()
    if needed_bytes <= available:
        return ""
    return (f"takes about {needed_bytes / 1e9:.1f} GB of memory, "
            f"{available / 1e9:.1f} GB are available")


def busy_share():
    """How busy the processors are with other things, 0 to 1."""
    def times():
        fields = [int(word) for word in
                  pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        return fields[3] + fields[4], sum(fields)  # idle and waiting for disks, all
    idle_before, all_before = times()
    time.sleep(1)
    idle, all_times = times()
    return 1 - (idle - idle_before) / max(all_times - all_before, 1)


def warn_if_busy():
    share = busy_share()
    if share > 0.1:
        say(f"other work keeps the processors {100 * share:.0f} % busy: "
            "figures will be low and vary")
    return share


@contextlib.contextmanager
def lock(path, refusal=""):
    """One process at a time: waits for the other, or fails with the refusal where there is one."""
    with open(path, "w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if refusal:
                raise Failure(refusal, "wait until it is through") from None
            say(f"waiting for another process that holds {path}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def measuring_alone(folder):
    """Two benchmarks would measure each other."""
    folder.mkdir(parents=True, exist_ok=True)
    return lock(folder / ".lock", "another benchmark of this clone is running")
