#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/clang_tidy.py with stand-ins for clang-tidy and ninja: which files it looks at again."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "clang_tidy.py"

STAND_INS = {
    # Finds the word "bad", and notes which files it was asked about.
    "clang-tidy-19": """#!/bin/sh
[ "$1" != --version ] || { echo "Debian LLVM version 19.1.7"; exit 0; }
for file; do :; done
basename "$file" >>"$ASKED"
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
        self.write("compile_commands.json", json.dumps([
            {"directory": str(self.folder), "file": str(source),
             "command": f"c++ -O3 -o {source.stem}.o -c {source}"} for source in self.sources]))

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def lint(self):
        """(exit status, output, the files that clang-tidy was asked about)."""
        asked = self.write("asked", "")
        env = {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}", "ASKED": str(asked),
               "XDG_CACHE_HOME": str(self.folder / "cache")}
        done = subprocess.run([sys.executable, TOOL, self.folder, *self.sources], env=env, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout, sorted(asked.read_text().split())

    def test_what_passed_is_not_looked_at_again(self):
        self.assertEqual(self.lint()[::2], (0, ["one.cpp", "two.cpp"]))
        self.assertEqual(self.lint()[::2], (0, []))
        self.write("two.cpp", "int j;\n")
        self.assertEqual(self.lint()[::2], (0, ["two.cpp"]))
        self.write("common.h", "int k;\n")
        self.assertEqual(self.lint()[::2], (0, ["one.cpp", "two.cpp"]))

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
