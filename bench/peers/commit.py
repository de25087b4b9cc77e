# SPDX-License-Identifier: Apache-2.0
"""Builds the program of a commit in a folder of its own."""

import shutil
import subprocess
import tarfile

from peers import process, scratch, tree
from peers.say import Failure, say


def folder():
    return tree.ROOT / "build" / "compare"


def git(*arguments):
    # A clone that belongs to somebody else is no danger here, as no hook runs.
    return ["git", "-C", str(tree.ROOT), "-c", f"safe.directory={tree.ROOT}", *arguments]


def of_tree():
    """The commit of the working tree, "-dirty" where something is changed; None without git."""
    asked = subprocess.run(git("describe", "--always", "--abbrev=12", "--dirty", "--exclude=*"),
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return asked.stdout.strip() if asked.returncode == 0 else None


def resolve(name):
    """The hash of the commit that git calls `name`."""
    asked = subprocess.run(git("rev-parse", "--verify", "--quiet", "--end-of-options",
                               name + "^{commit}"), stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, check=False)
    if asked.returncode != 0:
        raise Failure(f"git knows no commit {name!r}{asked.stderr and ': ' + asked.stderr.strip()}",
                      "git log --oneline lists them; a shallow clone needs git fetch first")
    return asked.stdout.strip()


def build(revision):
    """The commit's program, built by its own ./dev, now or before.

    Its files come from git archive and not from git worktree: then nothing in .git points to a
    folder that people delete as they please.
    """
    source = folder() / revision[:12]
    if not source.is_dir():
        with scratch.folder(folder(), source.name) as half:
            archive = half / "files.tar"
            process.run(git("archive", "--output", archive, revision))
            with tarfile.open(archive) as opened:
                opened.extractall(half / "files")
            (half / "files").rename(source)
    if not (source / "dev").is_file():
        shutil.rmtree(source)
        raise Failure(f"commit {revision[:12]} has no ./dev to build it with")
    say(f"building {revision[:12]} in {source.relative_to(tree.ROOT)}")
    tree.dev("build", source=source)
    return source / "build" / "release" / "wattle"
