#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/count-instructions with a script in the place of an emulator that counts."""

import contextlib
import io
import pathlib
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "bench"))
from instructions import counters, record, report  # noqa: E402
from peers import saved  # noqa: E402
from peers.say import Failure  # noqa: E402

# Starting takes 1100 instructions, a call 70, and one more of q8_0.
FAKE = """#!/bin/bash
extra=0
[[ $2 != q8_0 ]] || extra=1
echo "$WATTLE_ISA: 2000 products"
echo "==12== I refs:  1,$((70 * $3 + extra * $3 + 100))"
"""
PATTERN = r"I refs: +([\d,]+)$"


class Count(unittest.TestCase):
    def counter(self, script=FAKE):
        home = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        program = home / "program"
        program.write_text(script)
        program.chmod(0o755)
        return counters.Counter("avx2", (program,), PATTERN, "g++ 12.2.0", ("matvec",))

    def test_counts_one_call_without_the_start(self):
        found, products = counters.count(self.counter())
        self.assertEqual(list(found.calls), [f"matvec {name}" for name in counters.TYPES])
        self.assertEqual(found.calls["matvec q4_0"], 70)
        self.assertEqual(found.calls["matvec q8_0"], 71)
        self.assertEqual(products["matvec q4_0"], 2000)

    def test_refuses_another_set_and_no_count(self):
        for script, what in ((FAKE.replace("$WATTLE_ISA", "scalar"), "ran as scalar"),
                             ("#!/bin/bash\necho avx2: 2000 products", "printed no count"),
                             ("#!/bin/bash\nexit 3", "failed with status 3")):
            with self.assertRaises(Failure) as caught:
                counters.count(self.counter(script))
            self.assertIn(what, caught.exception.what)


class Report(unittest.TestCase):
    def compare(self, n, recorded, compiler="g++ 12.2.0"):
        found = record.Counts(compiler, {"matvec q4_0": n, "matvec q8_0": 50})
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            worse = report.compare("avx2", found, recorded)
        return worse, said.getvalue()

    def test_names_each_kernel_that_takes_more(self):
        recorded = record.Counts("g++ 12.2.0", {"matvec q4_0": 1000})
        self.assertEqual(self.compare(1010, recorded), ([], ""))
        self.assertEqual(self.compare(1011, recorded),
                         (["avx2 matvec q4_0: 1011 instructions a call, recorded 1000"], ""))

    def test_compares_neither_without_a_record_nor_with_another_compiler(self):
        worse, said = self.compare(2000, None)
        self.assertEqual(worse, [])
        self.assertIn("--record", said)
        worse, said = self.compare(2000, record.Counts("g++ 14.1.0", {"matvec q4_0": 1000}))
        self.assertEqual(worse, [])
        self.assertIn("recorded with g++ 14.1.0, this is g++ 12.2.0", said)

    def test_prints_instructions_a_thousand_products(self):
        text = report.markdown("avx2", record.Counts("x", {"matvec q4_0": 330, "matvec q8_0": 5}),
                               {"matvec q4_0": 2000, "matvec q8_0": 2000},
                               record.Counts("x", {"matvec q4_0": 300}))
        self.assertIn("| matvec q4_0 |                           165.0 |    150.0 | 1.100 |", text)
        self.assertIn("| matvec q8_0 |                             2.5 |          |       |", text)


class Record(unittest.TestCase):
    def setUp(self):
        self.file = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / "kept.json"

    def test_reads_what_it_wrote_and_what_is_in_the_repository(self):
        counts = {"avx2": record.Counts("g++ 12.2.0", {"matvec q4_0": 330})}
        record.write(counts, self.file)
        self.assertEqual(record.read(self.file), counts)
        self.assertEqual(set(record.read()), set(counters.SETS))

    def test_refuses_half_a_record(self):
        for text in ("", '{"avx2": {"compiler": "g++', '{"avx2": 3}', "[]",
                     '{"avx2": {"compiler": "g++"}}', '{"avx2": {"compiler": "g++", "calls": 3}}'):
            self.file.write_text(text)
            with self.assertRaises(Failure) as caught:
                record.read(self.file)
            self.assertIn("kept.json", caught.exception.what)

    def test_a_full_disk_leaves_the_record_as_it_was(self):
        self.file.write_text("before")

        def full(path, text):
            path.write_bytes(text[:3].encode())
            raise OSError(28, "No space left on device", str(path))

        with mock.patch.object(pathlib.Path, "write_text", full), self.assertRaises(OSError):
            saved.replace(self.file, "after")
        self.assertEqual([path.read_text() for path in self.file.parent.iterdir()], ["before"])


class Arguments(unittest.TestCase):
    def test_refuses_a_set_it_does_not_know(self):
        done = subprocess.run([SOURCE / "bench" / "count-instructions", "sse"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=30, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("neon, i8mm, avx2", done.stderr)


if __name__ == "__main__":
    unittest.main()
