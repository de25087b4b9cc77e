# SPDX-License-Identifier: Apache-2.0
"""The source tree that is measured: where things lie, and what ./dev does for it."""

import os
import pathlib
import subprocess

from peers.say import Failure

ROOT = pathlib.Path(__file__).resolve().parents[2]
MEASURED = ROOT / "build" / "measured"  # build/bench is what the preset of that name compiles
LOG = ROOT / "build" / "log"
SMALL_MODEL = ROOT / "models" / "stories-gemma4-moe.gguf"  # any model will do for the roofline


def cache(env=os.environ):
    """What every clone shares: other engines, model files of random weights."""
    base = env.get("XDG_CACHE_HOME") or (env.get("HOME") and env["HOME"] + "/.cache")
    if not base:
        raise Failure("no folder for caches: HOME is not set", "set XDG_CACHE_HOME to a folder")
    return pathlib.Path(base) / "wattle"


def dev(*arguments, source=ROOT):
    """./dev explains its failures itself, and may ask for a password, so it keeps the terminal."""
    # The cache of the compiler then finds the same sources in another folder.
    cache = {"CCACHE_BASEDIR": str(source), "CCACHE_NOHASHDIR": "1"}
    child = subprocess.Popen([source / "dev", *arguments], env={**os.environ, **cache})
    try:
        status = child.wait()
    finally:
        end(child)
    if status != 0:
        raise SystemExit(status if status > 0 else 128 - status)


def end(child):
    """Ends a child that still runs; what Ctrl-C has reached already is about to."""
    if child.poll() is None:
        child.terminate()
        child.wait()


def shell(script, *arguments):
    """A line of bash with the functions that ./dev is made of; what it prints."""
    sources = "; ".join(f'source "$root/tools/dev/{name}.sh"'
                        for name in ("say", "packages", "build", "fetch"))
    child = subprocess.Popen(["bash", "-euo", "pipefail", "-c", f"root=$0; {sources}; {script}",
                              ROOT, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        out, _ = child.communicate()
    finally:
        end(child)
    if child.returncode != 0:
        raise SystemExit(child.returncode)
    return out.strip()


def need_packages(*groups):
    shell('need_packages "$@"', *groups)


def build_program():
    dev("build")
    return ROOT / "build" / "release" / "wattle"


def fetch_model(name):
    """The path of a model that ./dev knows by name, fetched where it is not there."""
    return pathlib.Path(shell(
        'fetch_model "$1"; echo "$(model_folder)/$(model_field "$1" file)"', name))
