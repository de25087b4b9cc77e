# SPDX-License-Identifier: Apache-2.0
"""Model files of real shapes with random weights, which `wattle synth` makes."""

import contextlib
import dataclasses
import json
import shutil
import subprocess

from peers import machine, process, tree
from peers.say import Failure, say

# Small, dense and with experts: what fits into memory is measured.
DEFAULT = ("qwen3-0.6b", "llama-1b", "gemma4-e2b", "gemma4-26b-a4b")
SPARE_BYTES = 10**9  # that a disk keeps free


def folder():
    return tree.cache() / "synth"


@dataclasses.dataclass(frozen=True)
class Shape:
    preset: str
    mix: str
    n_bytes: int  # of the weights; the rest of the file is some megabytes

    @property
    def path(self):
        return folder() / f"{self.preset}-{self.mix}.gguf"


def shape(text, program):
    """PRESET or PRESET:TYPE, as the program knows them."""
    preset, _, mix = text.partition(":")
    mix = mix or "q4_0"
    listed = json.loads(process.run([program, "synth", "--list", "--json", "--type", mix]).out)
    for entry in listed:
        if entry["name"] == preset:
            return Shape(preset, mix, entry["weight_bytes"])
    raise Failure(f"no shape is called {preset!r}",
                  "there are: " + ", ".join(entry["name"] for entry in listed))


def fitting(shapes, memory_per_byte):
    """(those that fit into memory, a note on each other one)"""
    fit, notes = [], []
    for shape in shapes:
        shortage = machine.memory_shortage(shape.n_bytes * memory_per_byte)
        if shortage:
            notes.append(f"{shape.path.name} was left out: {shortage}.")
        else:
            fit.append(shape)
    return fit, notes


def check_disk(shapes, together):
    """Before anything is measured: room for all files where they lie together, else for the
    largest."""
    missing = [shape.n_bytes for shape in shapes if not shape.path.exists()]
    if not missing:
        return
    needed = (sum(missing) if together else max(missing)) + SPARE_BYTES
    folder().mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder()).free
    if free < needed:
        raise Failure(f"{folder()} has {free / 1e9:.1f} GB free; the model files take "
                      f"{needed / 1e9:.1f} GB", "make room, set XDG_CACHE_HOME, or name smaller "
                      "shapes with --shape")
    say(f"model files: {needed / 1e9:.1f} GB of the {free / 1e9:.1f} GB free in {folder()}")


@contextlib.contextmanager
def file(shape, program, keep):
    """The path of the file. One that was there stays; one that was made goes, unless it is kept."""
    made = not shape.path.exists()
    if made:
        make(shape, program)
    try:
        yield shape.path
    finally:
        if made and not keep:
            shape.path.unlink()


def make(shape, program):
    shape.path.parent.mkdir(parents=True, exist_ok=True)
    # It says itself what it writes, and leaves nothing half-made.
    command = [program, "synth", shape.preset, "--type", shape.mix, "-o", shape.path]
    if process.status_of(command, stdout=subprocess.DEVNULL) != 0:
        raise Failure(f"wattle synth could not write {shape.path}")
