#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/compare on recorded output, and on a repository whose ./dev only pretends to build."""

import contextlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DATA = SOURCE / "tests" / "bench" / "data"
sys.path.insert(0, str(SOURCE / "bench"))
from peers import commit, engines, pairs, tree  # noqa: E402
from peers.plan import Plan  # noqa: E402
from peers.say import Failure  # noqa: E402

# Prints the next of the files beside it.
FAKE_WATTLE = """#!/bin/bash
files=("$0".*.json)
cat "${files[0]}"
rm "${files[0]}"
"""

PLAN = Plan(pathlib.Path("tiny.gguf"), (32,), (8,), (0,))


class Pairs(unittest.TestCase):
    def setUp(self):
        self.home = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def program(self, name, generations):
        path = self.home / name
        path.write_text(FAKE_WATTLE)
        path.chmod(0o755)
        for i, generation in enumerate(generations):
            speed, logits = generation.split("/")
            rows = json.loads((DATA / "wattle.json").read_text())
            rows[1].update(samples_ts=[float(speed)], logits_hash=logits)
            (self.home / f"{name}.{i}.json").write_text(json.dumps(rows))
        return path

    def measure(self, before, now):
        run = pairs.Pairs(engines.wattle(self.program("before", before), "abc"),
                          engines.wattle(self.program("now", now), "working tree"))
        with contextlib.redirect_stderr(io.StringIO()):
            run.measure([PLAN], 1, len(now))
        return run

    def test_prints_the_ratios_of_pairs_and_their_spread(self):
        # The machine is half as fast in the second pair: the medians alone would say 110 / 100.
        run = self.measure(["100/a", "50/a", "100/a"], ["110/a", "60/a", "130/a"])
        prompt, generation = run.changes()
        self.assertEqual((prompt.ratio, prompt.n_faster, prompt.same_logits), (1.0, 0, True))
        self.assertEqual((generation.before, generation.now), (100, 110))
        self.assertAlmostEqual(generation.ratio, 1.2)
        self.assertAlmostEqual(generation.lowest, 1.1)
        self.assertAlmostEqual(generation.highest, 1.3)
        self.assertEqual((generation.n_faster, generation.n_pairs), (3, 3))
        self.assertIn("| tiny  |       1 | tg8  | 100 |          110 | 1.200 |    1.100 - 1.300 "
                      "| 3 of 3 | same   |", run.markdown())
        saved = json.loads(run.save(self.home / "kept").read_text())
        self.assertEqual([row["build"] for row in saved["rows"][::2]],
                         ["abc", "working tree", "working tree", "abc", "abc", "working tree"])
        self.assertEqual(saved["summary"][1]["test"], "tg8")

    def test_shows_the_pairs_there_are_where_it_was_interrupted(self):
        run = pairs.Pairs(engines.wattle(self.program("before", ["100/a"]), "abc"),
                          engines.wattle("/bin/false", "working tree"))
        self.assertFalse(run.has_rows())
        with contextlib.redirect_stderr(io.StringIO()), self.assertRaises(Failure):
            run.measure([PLAN], 1, 1)
        self.assertTrue(run.has_rows())
        self.assertEqual(list(run.changes()), [])
        self.assertEqual(len(json.loads(run.json())["rows"]), 2)

    def test_sees_that_the_logits_changed(self):
        _, generation = self.measure(["100/a"], ["100/b"]).changes()
        self.assertFalse(generation.same_logits)

    def test_finds_what_is_below_a_ratio(self):
        run = self.measure(["100/a"], ["96/a"])
        self.assertEqual([change.test.name for change in run.below(0.97)], ["tg8"])
        self.assertEqual(run.below(0.95), [])


@unittest.skipUnless(shutil.which("git"), "git is not here")
class Commit(unittest.TestCase):
    """The program of a commit, not of the files that lie there now."""

    def setUp(self):
        self.home = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.addCleanup(setattr, tree, "ROOT", tree.ROOT)
        tree.ROOT = self.home
        self.git("init", "--quiet")

    def git(self, *arguments):
        env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(["git", "-C", self.home, "-c", "user.name=t", "-c", "user.email=t@t",
                               *arguments], env=env, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, name, text):
        (self.home / name).write_text(text)
        (self.home / name).chmod(0o755)
        self.git("add", name)
        self.git("commit", "--quiet", "-m", "text")
        return self.git("rev-parse", "HEAD")

    def build(self, revision):
        with contextlib.redirect_stderr(io.StringIO()):
            return commit.build(revision)

    def test_builds_what_was_committed_once(self):
        script = '#!/bin/bash\ncd "${0%/*}"; mkdir -p build/release; cat n >>build/release/wattle\n'
        self.commit("dev", script)
        old = self.commit("n", "1\n")
        self.commit("n", "2\n")
        self.assertEqual(commit.resolve("HEAD~1"), old)
        program = self.build(old)
        self.assertEqual(program.read_text(), "1\n")
        self.assertTrue(program.is_relative_to(self.home / "build" / "compare" / old[:12]))
        self.assertEqual(self.build(old).read_text(), "1\n1\n")  # in the same folder
        self.assertEqual(self.git("worktree", "list").count("\n"), 0)

    def test_names_what_git_does_not_know(self):
        self.commit("n", "1\n")
        for name in ("no-such-commit", "--all", "HEAD~1"):
            with self.assertRaises(Failure) as caught:
                commit.resolve(name)
            self.assertIn(repr(name), caught.exception.what)

    @unittest.skipIf(os.geteuid() != 0, "only root can give a folder to somebody else")
    def test_reads_a_clone_of_somebody_else(self):
        self.commit("n", "1\n")
        os.chown(self.home, 12345, 12345)
        # Whoever runs this may trust every folder.
        self.enterContext(mock.patch.dict(os.environ, GIT_CONFIG_GLOBAL="/dev/null",
                                          GIT_CONFIG_NOSYSTEM="1"))
        with self.assertRaises(Failure) as caught, mock.patch.object(
                commit, "git", lambda *words: ["git", "-C", str(self.home), *words]):
            commit.resolve("HEAD")
        self.assertIn("ownership", caught.exception.what)
        commit.resolve("HEAD")

    def test_refuses_a_commit_without_a_dev(self):
        with self.assertRaises(Failure) as caught:
            self.build(self.commit("n", "1\n"))
        self.assertIn("has no ./dev", caught.exception.what)
        self.assertEqual(list(commit.folder().iterdir()), [])


class Arguments(unittest.TestCase):
    def test_refuses_what_it_does_not_know_and_names_the_help(self):
        for args in ([], ["HEAD", "-p", "x"], ["HEAD", "--fail-below", "0"]):
            done = subprocess.run([SOURCE / "bench" / "compare", *args], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=30, check=False)
            self.assertEqual(done.returncode, 2, args)
            self.assertIn("bench/compare --help", done.stderr, args)


if __name__ == "__main__":
    unittest.main()
