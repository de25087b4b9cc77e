#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/include_graph.py on small trees: it must see an upward edge and an unknown folder."""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import include_graph  # noqa: E402


class IncludeGraph(unittest.TestCase):
    def check(self, files):
        """(exit status, complaints) for a tree of {path: text}."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = pathlib.Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            include_graph.ROOT = pathlib.Path(folder)
            complaints = io.StringIO()
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(complaints):
                status = include_graph.main()
            return status, complaints.getvalue()

    def test_accepts_a_downward_edge(self):
        self.assertEqual(self.check({"src/base/a.h": "",
                                     "src/tensor/b.h": '#include "base/a.h"'}), (0, ""))

    def test_refuses_an_upward_edge(self):
        status, said = self.check({"src/base/a.h": '#include "model/b.h"', "src/model/b.h": ""})
        self.assertEqual(status, 1)
        self.assertIn("base/a.h: includes model/b.h, but base may not use model", said)

    def test_refuses_a_device_that_the_model_knows(self):
        status, _ = self.check({"src/model/a.cpp": '#include "backend/cpu/b.h"',
                                "src/backend/cpu/b.h": ""})
        self.assertEqual(status, 1)

    def test_refuses_a_folder_outside_the_table(self):
        status, said = self.check({"src/utils/a.h": ""})
        self.assertEqual(status, 1)
        self.assertIn("utils/a.h: its folder is no row of ALLOWED", said)

    def test_finds_no_error_in_the_table(self):
        self.assertEqual(list(include_graph.table_errors()), [])


if __name__ == "__main__":
    unittest.main()
