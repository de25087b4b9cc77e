# SPDX-License-Identifier: Apache-2.0
"""Builds a peer from its source, for this very processor, once.

The source is fetched beside its folder and renamed when it is whole; a build that was interrupted
goes on.
"""

import dataclasses
import hashlib
import pathlib
import re
import shutil
import subprocess

from peers import machine, process, scratch, tree
from peers.say import Failure, say


@dataclasses.dataclass(frozen=True)
class Source:
    """A program that is built with CMake."""
    name: str           # as messages have it
    folder: str         # in the cache, with the version
    identity: str       # commit or checksum: another one is built anew
    flags: tuple        # of CMake
    targets: tuple      # what is built, in build/bin
    needed_bytes: int   # the package, what is unpacked of it, and the build
    fetch: object       # fetch(folder): puts the source into folder / "source"

    def get(self):
        """The folder of its programs, built now or before."""
        here = tree.cache() / self.folder
        here.parent.mkdir(parents=True, exist_ok=True)
        programs = here / "build" / "bin"
        with machine.lock(here.with_name(here.name + ".lock")):
            wanted = "\n".join([self.identity, processor_identity(), *self.flags, *self.targets])
            if text_of(here / ".built") != wanted or not all(
                    (programs / target).is_file() for target in self.targets):
                if not (here / "source").is_dir():
                    self._fetch(here)
                # Objects for another processor look fresh to the build system.
                if text_of(here / ".building") != wanted:
                    shutil.rmtree(here / "build", ignore_errors=True)
                    (here / ".building").write_text(wanted)
                self._build(here)
                (here / ".built").write_text(wanted)
        return programs

    def _fetch(self, target):
        free = shutil.disk_usage(target.parent).free
        if free < self.needed_bytes:
            raise Failure(f"{target.parent} has {free // 10**6} MB free; {self.name} takes "
                          f"{self.needed_bytes // 10**6} MB", "make room, or set XDG_CACHE_HOME")
        with scratch.folder(target.parent, target.name) as half:
            whole = half / "whole"
            whole.mkdir()
            self.fetch(half, whole / "source")
            shutil.rmtree(target, ignore_errors=True)
            whole.rename(target)

    def _build(self, here):
        tree.LOG.mkdir(parents=True, exist_ok=True)
        say(f"building {self.name} for this processor; takes minutes, once")
        commands = (["cmake", "-S", here / "source", "-B", here / "build", "-G", "Ninja",
                     *self.flags],
                    ["cmake", "--build", here / "build", "--parallel", n_jobs(), "--target",
                     *self.targets])
        log = tree.LOG / f"{self.folder}.log"
        with open(log, "w", encoding="utf-8") as file:
            for command in commands:
                if process.status_of(command, stdout=file, stderr=subprocess.STDOUT) != 0:
                    raise Failure(f"{self.name} did not build; all of it: {log}",
                                  f"where its folder is damaged: rm -r {here}")


def text_of(file):
    return file.read_text() if file.is_file() else ""


def processor_identity():
    """What a native build depends on: a home folder may be shared by different machines."""
    text = pathlib.Path("/proc/cpuinfo").read_text()
    kept = re.findall(r"^(?:vendor_id|model name|model|flags|Features|CPU part)\s*:.*$", text, re.M)
    return hashlib.sha256("\n".join(sorted(set(kept))).encode()).hexdigest()


def n_jobs():
    """As many compilers as there are processors, but no more than memory carries."""
    return max(1, min(machine.n_processors(), machine.memory_bytes() // 1_500_000_000))
