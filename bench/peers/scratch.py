# SPDX-License-Identifier: Apache-2.0
"""A folder beside what is made in it."""

import contextlib
import shutil


@contextlib.contextmanager
def folder(parent, name):
    """Gone afterwards. What a process that was killed has left of it goes first, so whoever makes
    `name` holds a lock."""
    path = parent / f".half.{name}"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
