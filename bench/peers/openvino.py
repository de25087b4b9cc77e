# SPDX-License-Identifier: Apache-2.0
"""Gets OpenVINO GenAI from the Python package index; it is asked through openvino_bench.py."""

import pathlib
import shutil

from peers import machine, process, scratch, tree
from peers.engines import Engine
from peers.say import Failure, say

PACKAGE = "openvino-genai"
VERSION = "2026.4.1.0"
NEEDED_BYTES = 700_000_000  # the wheels and what is unpacked of them
GROUP_SIZES = (None, 128)   # as it comes, and with activations rounded in groups of 128


def engines():
    """One for each way of rounding activations."""
    python = tree.shell('need_packages_of_pip; command -v "$python3"')
    packages = get(python)
    script = pathlib.Path(__file__).with_name("openvino_bench.py")
    for group_size in GROUP_SIZES:
        options = ("--group-size", str(group_size)) if group_size else ()
        # It decodes the file into tensors of its own and compiles them: 1.35 GB were measured for
        # 0.38 GB of Qwen3 0.6B.
        yield Engine(f"OpenVINO, groups of {group_size}" if group_size else "OpenVINO",
                     (python, str(script), "--packages", str(packages), *options),
                     memory_per_byte=4)


def get(python):
    """The folder of its packages, for this interpreter, fetched now or before."""
    tag = process.run([python, "-c", "import sys; print(sys.implementation.cache_tag)"]).out.strip()
    folder = tree.cache() / f"{PACKAGE}-{VERSION}-{tag}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with machine.lock(folder.with_name(folder.name + ".lock")):
        if not folder.is_dir():
            free = shutil.disk_usage(folder.parent).free
            if free < NEEDED_BYTES:
                raise Failure(f"{folder.parent} has {free // 10**6} MB free; OpenVINO takes "
                              f"{NEEDED_BYTES // 10**6} MB", "make room, or set XDG_CACHE_HOME")
            say(f"fetching {PACKAGE} {VERSION} from the Python package index, Apache-2.0")
            with scratch.folder(folder.parent, folder.name) as half:
                process.run([python, "-m", "pip", "install", "--quiet", "--target",
                             half / "whole", "--only-binary=:all:", "--no-cache-dir",
                             "--no-input", "--disable-pip-version-check",
                             f"{PACKAGE}=={VERSION}"],
                            # /tmp may be small.
                            env={"TMPDIR": str(half), "PIP_REQUIRE_VIRTUALENV": "0"})
                (half / "whole").rename(folder)
    return folder
