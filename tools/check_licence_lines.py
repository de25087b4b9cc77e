#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails on a source file or script without an SPDX line among its first three lines."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATTERNS = ["*.h", "*.cpp", "*.inc", "*.py", "*.sh", "*.cmake", "*CMakeLists.txt", "dev", ".ci/run"]
LINE = "SPDX-License-Identifier: Apache-2.0"


def main():
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *PATTERNS],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout
    missing = []
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if not path.is_file():
            continue  # removed, but not yet from the index
        with path.open(encoding="utf-8") as file:
            if not any(LINE in file.readline() for _ in range(3)):
                missing.append(name)
    for name in missing:
        print(f"{name}: no '{LINE}' among its first three lines", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
