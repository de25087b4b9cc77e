# SPDX-License-Identifier: Apache-2.0
"""Where results stay."""

import os


def write(folder, kind, began, text, ending="json"):
    """FOLDER/KIND-TIME.ENDING, never half of it; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind}-{began:%Y%m%dT%H%M%SZ}.{ending}"
    half = path.with_suffix(".half")
    half.write_text(text)
    os.replace(half, path)
    return path
