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
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLANG_TIDY = "clang-tidy-19"
KEEP_DAYS = 60


def stamp_folder():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(cache, "wattle", "clang-tidy")


def noted_headers(build):
    """Object -> the files it was made of, as ninja has noted them; outdated notes are left out."""
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
    """None where the build has not noted the headers."""
    made = re.search(r" -o (\S+) ", entry["command"])
    seen = headers.get(made[1]) if made else None
    if not seen:
        return None
    anywhere = entry["command"].replace(str(ROOT), "")
    lines = [settings, anywhere]
    for path in sorted({os.path.normpath(os.path.join(entry["directory"], p)) for p in seen}):
        lines.append(path.replace(str(ROOT), "") + " " + digest(path))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def tidy(build, path):
    done = subprocess.run([CLANG_TIDY, "-p", build, "--quiet", path], capture_output=True, text=True,
                          check=False)
    return done.returncode == 0, done.stdout + done.stderr


def main(build, names):
    entries = {os.path.normpath(os.path.join(e["directory"], e["file"])): e
               for e in json.loads(pathlib.Path(build, "compile_commands.json").read_text())}
    version = subprocess.run([CLANG_TIDY, "--version"], capture_output=True, text=True,
                             check=True).stdout
    # Processor and host are of no interest, and differ.
    version = re.search(r"version (\S+)", version)[1]
    settings = version + (ROOT / ".clang-tidy").read_text() + pathlib.Path(__file__).read_text()
    headers, digest, folder = noted_headers(build), Digest(), stamp_folder()

    left = []
    for name in names:
        path = os.path.abspath(name)
        if path not in entries:
            sys.exit(f"{name}: not compiled by {build}")
        stamp = stamp_name(entries[path], headers, settings, digest)
        if stamp is not None and (folder / stamp).exists():
            (folder / stamp).touch()
        else:
            left.append((path, stamp))
    print(f"{len(names) - len(left)} of {len(names)} files passed before as they are", flush=True)

    folder.mkdir(parents=True, exist_ok=True)
    findings = []
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        runs = {pool.submit(tidy, build, path): (path, stamp) for path, stamp in left}
        for n, run in enumerate(concurrent.futures.as_completed(runs), 1):
            path, stamp = runs[run]
            passed, output = run.result()
            print(f"[{n}/{len(left)}] {os.path.relpath(path, ROOT)}", flush=True)
            if not passed:
                findings.append(output.strip() or f"clang-tidy failed on {path}")
            elif stamp is not None:
                (folder / stamp).touch()
    for finding in findings:
        print(finding)
    for old in folder.iterdir():
        if old.stat().st_mtime < time.time() - KEEP_DAYS * 86400:
            old.unlink(missing_ok=True)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
