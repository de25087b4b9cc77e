#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs clang-tidy on files that a build compiles, but for those that passed before just as they are.

A file that passes leaves a stamp in $XDG_CACHE_HOME/wattle/clang-tidy (~/.cache), named after all that
clang-tidy saw: its version and settings, the flags, the file and each header that the build noted for
it. So a second run, also that of another clone, takes seconds.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLANG_TIDY = "clang-tidy-19"
KEEP_DAYS = 60


def stamp_folder():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(cache, "wattle", "clang-tidy")


def noted_headers(build):
    """Object -> the files it was made of, as ninja has noted them."""
    listing = subprocess.run(["ninja", "-C", build, "-t", "deps"], capture_output=True, text=True,
                             check=True).stdout
    headers, paths = {}, None
    for line in listing.splitlines():
        if line.startswith("    "):
            if paths is not None:
                paths.append(line.strip())
        else:
            head = re.match(r"(\S+): #deps .*\(VALID\)", line)
            paths = headers.setdefault(head[1], []) if head else None
    return headers


class Digest:
    """Of a file, each read once."""

    def __init__(self):
        self.known = {}

    def __call__(self, path):
        if path not in self.known:
            self.known[path] = hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
        return self.known[path]


def stamp_name(entry, headers, settings, digest):
    """None where the build has not noted the headers of the file as it is now."""
    made = re.search(r" -o (\S+) ", entry["command"])
    seen = headers.get(made[1]) if made else None
    if not seen:
        return None
    anywhere = entry["command"].replace(str(ROOT), "")
    lines = [settings, anywhere]
    try:
        built = os.path.getmtime(os.path.join(entry["directory"], made[1]))
        for path in sorted({os.path.normpath(os.path.join(entry["directory"], p)) for p in seen}):
            if os.path.getmtime(path) > built:  # it may include others by now
                return None
            lines.append(path.replace(str(ROOT), "") + " " + digest(path))
    except FileNotFoundError:  # removed since
        return None
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def open_stamps():
    """The folder, or None where there can be none: then all files are looked at."""
    folder = stamp_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    print(f"{folder}: cannot be written to; what passes is not noted", flush=True)
    return None


def tidy(build, path, interrupted):
    if interrupted.is_set():
        return False, ""
    done = subprocess.run([CLANG_TIDY, "-p", build, "--quiet", path], capture_output=True, text=True,
                          check=False)
    if done.returncode == -signal.SIGINT:  # it had the Ctrl-C, too; start no other
        interrupted.set()
    return done.returncode == 0, done.stdout + done.stderr


def main(build, names):
    entries = {os.path.normpath(os.path.join(e["directory"], e["file"])): e
               for e in json.loads(pathlib.Path(build, "compile_commands.json").read_text())}
    version = subprocess.run([CLANG_TIDY, "--version"], capture_output=True, text=True,
                             check=True).stdout
    # Processor and host are of no interest, and differ.
    version = re.search(r"version (\S+)", version)[1]
    settings = version + (ROOT / ".clang-tidy").read_text() + pathlib.Path(__file__).read_text()
    headers, digest, folder = noted_headers(build), Digest(), open_stamps()

    left = []
    for name in names:
        path = os.path.abspath(name)
        if path not in entries:
            sys.exit(f"{name}: not compiled by {build}")
        name = stamp_name(entries[path], headers, settings, digest)
        stamp = folder / name if folder and name else None
        if stamp and stamp.exists():
            stamp.touch()
        else:
            left.append((path, stamp))
    print(f"{len(names) - len(left)} of {len(names)} files passed before as they are", flush=True)

    findings, interrupted = [], threading.Event()
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        try:
            runs = {pool.submit(tidy, build, path, interrupted): (path, stamp)
                    for path, stamp in left}
            for n, run in enumerate(concurrent.futures.as_completed(runs), 1):
                path, stamp = runs[run]
                passed, output = run.result()
                print(f"[{n}/{len(left)}] {os.path.relpath(path, ROOT)}", flush=True)
                if not passed:
                    findings.append(output.strip() or f"clang-tidy failed on {path}")
                elif stamp:
                    stamp.touch()
        except KeyboardInterrupt:
            interrupted.set()
            return 130
    for finding in findings:
        print(finding)
    for old in folder.iterdir() if folder else []:
        if old.stat().st_mtime < time.time() - KEEP_DAYS * 86400:
            old.unlink(missing_ok=True)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
