# SPDX-License-Identifier: Apache-2.0
"""Where results stay."""

import os


def replace(path, text):
    """Never half of it: neither in a crash nor on a full disk."""
    half = path.with_suffix(".half")
    try:
        half.write_text(text)
        os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)


def write(folder, kind, began, text, ending="json"):
    """FOLDER/KIND-TIME.ENDING; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind}-{began:%Y%m%dT%H%M%SZ}.{ending}"
    replace(path, text)
    return path
