#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/clang_tidy.py with stand-ins for clang-tidy and ninja: which files it looks at again."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "clang_tidy.py"

STAND_INS = {
    # Finds the word "bad", and notes which files it was asked about.
    "clang-tidy-19": """#!/bin/sh
[ "$1" != --version ] || { echo "Debian LLVM version 19.1.7"; exit 0; }
for file; do :; done
basename "$file" >>"$ASKED"
[ -z "$HOLD" ] || exec sleep 60
! grep -H bad "$file"
""",
    "ninja": """#!/bin/sh
for name in one two; do
  echo "$name.o: #deps 2, deps mtime 1 (VALID)"
  echo "    $2/$name.cpp"
  echo "    $2/common.h"
  echo
done
""",
}


class ClangTidy(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for name, text in STAND_INS.items():
            self.write(name, text).chmod(0o755)
        self.sources = [self.write(f"{name}.cpp", "int i;\n") for name in ("one", "two")]
        self.write("common.h", "int h;\n")
        for name in ("one.o", "two.o"):
            self.write(name, "")
        self.write("compile_commands.json", json.dumps([
            {"directory": str(self.folder), "file": str(source),
             "command": f"c++ -O3 -o {source.stem}.o -c {source}"} for source in self.sources]))

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def build(self):
        """Objects that are newer than all they were made of."""
        for name in ("one.o", "two.o"):
            os.utime(self.folder / name)

    def start(self, **more):
        env = {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}", "HOLD": "",
               "ASKED": str(self.write("asked", "")),
               "XDG_CACHE_HOME": str(self.folder / "cache"), **more}
        return subprocess.Popen([sys.executable, TOOL, self.folder, *self.sources], env=env, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                start_new_session=True)

    def asked(self):
        return sorted((self.folder / "asked").read_text().split())

    def lint(self, **more):
        """(exit status, output, the files that clang-tidy was asked about)."""
        process = self.start(**more)
        output, _ = process.communicate(timeout=60)
        return process.returncode, output, self.asked()

    def test_what_passed_is_not_looked_at_again(self):
        self.assertEqual(self.lint()[::2], (0, ["one.cpp", "two.cpp"]))
        self.assertEqual(self.lint()[::2], (0, []))
        self.write("two.cpp", "int j;\n")
        # Until it is built again nobody knows what it includes.
        for _ in range(2):
            self.assertEqual(self.lint()[::2], (0, ["two.cpp"]))
        self.build()
        self.assertEqual(self.lint()[::2], (0, ["two.cpp"]))
        self.assertEqual(self.lint()[::2], (0, []))
        self.write("common.h", "int k;\n")
        self.build()
        self.assertEqual(self.lint()[::2], (0, ["one.cpp", "two.cpp"]))
        (self.folder / "common.h").unlink()
        self.assertEqual(self.lint()[::2], (0, ["one.cpp", "two.cpp"]))

    def test_without_a_place_for_stamps(self):
        self.write("cache", "no folder")
        for _ in range(2):
            status, output, seen = self.lint()
            self.assertEqual((status, seen), (0, ["one.cpp", "two.cpp"]))
            self.assertIn("cannot be written to", output)

    def test_ctrl_c_stops_it(self):
        more = [self.write(f"more{i}.cpp", "") for i in range(200)]
        commands = json.loads((self.folder / "compile_commands.json").read_text())
        commands += [{"directory": str(self.folder), "file": str(source), "command": "c++"}
                     for source in more]
        self.write("compile_commands.json", json.dumps(commands))
        self.sources += more
        process = self.start(HOLD="1")
        while len(self.asked()) < len(os.sched_getaffinity(0)):
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130)
        self.assertEqual(len(self.asked()), len(os.sched_getaffinity(0)))

    def test_what_failed_is(self):
        self.write("one.cpp", "int bad;\n")
        for asked in (["one.cpp", "two.cpp"], ["one.cpp"]):
            status, output, seen = self.lint()
            self.assertEqual((status, seen), (1, asked))
            self.assertIn("one.cpp:int bad;", output)

    def test_a_file_that_no_build_knows_is_refused(self):
        self.sources.append(self.write("three.cpp", ""))
        status, output, seen = self.lint()
        self.assertEqual((status, seen), (1, []))
        self.assertIn("three.cpp: not compiled by", output)


if __name__ == "__main__":
    unittest.main()
