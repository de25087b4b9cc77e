# SPDX-License-Identifier: Apache-2.0
"""Gets and builds llama.cpp, for this very processor.

Its whole source lies as a git bundle in the npm package node-llama-cpp, so one registry is all the
network it takes. The source is fetched beside its folder and renamed when it is whole; a build that
was interrupted goes on.
"""

import base64
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile

from peers import machine, process, scratch, tree
from peers.say import Failure, say

VERSION = "v0.5.0"
COMMIT = "de3ff815ea7d559ee917f063901b8986f038abc6"
PACKAGE = "node-llama-cpp"
PACKAGE_VERSION = "3.22.1"
SHA512 = "bltIipuWmc123H7tMIgDGKSsSrhmhlQYeVUC48XTjVW7XGJJiJJyCdlTMzQ/LiWoPkGDpcL4FviDpgw7qfTiDw=="
MEMBER = "package/llama/gitRelease.bundle"
NEEDED_BYTES = 600_000_000  # the package, its bundle, the clone and the build
FLAGS = ("-DCMAKE_BUILD_TYPE=Release", "-DGGML_NATIVE=ON", "-DLLAMA_CURL=OFF",
         "-DLLAMA_OPENSSL=OFF", "-DLLAMA_BUILD_SERVER=OFF", "-DLLAMA_BUILD_UI=OFF",
         "-DLLAMA_BUILD_TESTS=OFF", "-DLLAMA_BUILD_EXAMPLES=OFF")
TARGETS = ("llama-bench", "llama-perplexity", "llama-quantize")
TEXT = "source/CONTRIBUTING.md"  # English prose that is the same everywhere: some 2700 tokens


def folder():
    return tree.cache() / f"llama.cpp-{VERSION}"


def get():
    """The folder of its programs, built now or before."""
    here = folder()
    here.parent.mkdir(parents=True, exist_ok=True)
    programs = here / "build" / "bin"
    with machine.lock(here.with_name(here.name + ".lock")):
        wanted = "\n".join([COMMIT, processor_identity(), *FLAGS, *TARGETS])
        if text_of(here / ".built") != wanted or not all(
                (programs / target).is_file() for target in TARGETS):
            if not (here / "source").is_dir():
                fetch(here)
            # Objects for another processor look fresh to the build system.
            if text_of(here / ".building") != wanted:
                shutil.rmtree(here / "build", ignore_errors=True)
                (here / ".building").write_text(wanted)
            build(here)
            (here / ".built").write_text(wanted)
    return programs


def text_of(file):
    return file.read_text() if file.is_file() else ""


def processor_identity():
    """What a native build depends on: a home folder may be shared by different machines."""
    text = pathlib.Path("/proc/cpuinfo").read_text()
    kept = re.findall(r"^(?:vendor_id|model name|model|flags|Features|CPU part)\s*:.*$", text, re.M)
    return hashlib.sha256("\n".join(sorted(set(kept))).encode()).hexdigest()


def registry(env=os.environ):
    """Of npm: from its environment, else what an npm on this machine is set to, else the public."""
    for name in ("npm_config_registry", "NPM_CONFIG_REGISTRY"):
        if env.get(name):
            return env[name]
    if shutil.which("npm", path=env.get("PATH")):
        asked = subprocess.run(["npm", "config", "get", "registry"], stdin=subprocess.DEVNULL,
                               capture_output=True, text=True, check=False)
        if asked.returncode == 0 and asked.stdout.startswith("http"):
            return asked.stdout.strip()
    return "https://registry.npmjs.org/"


def fetch(target):
    free = shutil.disk_usage(target.parent).free
    if free < NEEDED_BYTES:
        raise Failure(f"{target.parent} has {free // 10**6} MB free; llama.cpp takes "
                      f"{NEEDED_BYTES // 10**6} MB", "make room, or set XDG_CACHE_HOME")
    url = f"{registry().rstrip('/')}/{PACKAGE}/-/{PACKAGE}-{PACKAGE_VERSION}.tgz"
    say(f"fetching llama.cpp {VERSION} in {PACKAGE} {PACKAGE_VERSION}, 36 MB, MIT licence")
    with scratch.folder(target.parent, target.name) as half:
        download(url, half / "package.tgz")
        unpack(half / "package.tgz", SHA512, half / "bundle")
        whole = half / "whole"
        whole.mkdir()
        process.run(["git", "clone", "--quiet", half / "bundle", whole / "source"])
        found = process.run(["git", "-C", whole / "source", "rev-parse", "HEAD"]).out.strip()
        if found != COMMIT:
            raise Failure(f"the source of llama.cpp is at commit {found}, expected {COMMIT}")
        shutil.rmtree(target, ignore_errors=True)
        whole.rename(target)


def download(url, path):
    """With curl: it honours the proxies and certificates that are set for it."""
    progress = "--progress-bar" if sys.stderr.isatty() else "--silent"
    command = ["curl", "--fail", "--location", "--show-error", progress, "--retry", "2",
               "--connect-timeout", "30", "--output", str(path), url]
    status = process.status_of(command)
    if status != 0:
        raise Failure(f"curl could not get {url} (status {status})",
                      "npm_config_registry names another registry; "
                      "--no-llama-cpp does without this peer")


def unpack(package, sha512, bundle):
    """Takes the bundle out of the package, once that is what it should be."""
    with open(package, "rb") as file:
        digest = hashlib.file_digest(file, "sha512").digest()
    found = base64.b64encode(digest).decode()
    if found != sha512:
        raise Failure(f"{PACKAGE} {PACKAGE_VERSION}: sha512 is {found}, expected {sha512}",
                      "nothing of it was kept; ask another registry (npm_config_registry)")
    with tarfile.open(package) as archive:
        try:
            member = archive.extractfile(MEMBER)
        except KeyError:
            member = None
        if member is None:
            raise Failure(f"{PACKAGE} {PACKAGE_VERSION} has no file {MEMBER}")
        with member, open(bundle, "wb") as out:
            shutil.copyfileobj(member, out)


def n_jobs():
    """As many compilers as there are processors, but no more than memory carries."""
    return max(1, min(machine.n_processors(), machine.memory_bytes() // 1_500_000_000))


def build(here):
    tree.LOG.mkdir(parents=True, exist_ok=True)
    say(f"building llama.cpp {VERSION} for this processor; takes minutes, once")
    commands = (["cmake", "-S", here / "source", "-B", here / "build", "-G", "Ninja", *FLAGS],
                ["cmake", "--build", here / "build", "--parallel", n_jobs(), "--target",
                 *TARGETS])
    log = tree.LOG / "llama.cpp.log"
    with open(log, "w", encoding="utf-8") as file:
        for command in commands:
            if process.status_of(command, stdout=file, stderr=subprocess.STDOUT) != 0:
                raise Failure(f"llama.cpp did not build; all of it: {log}",
                              f"where its folder is damaged: rm -r {here}")
