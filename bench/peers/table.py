# SPDX-License-Identifier: Apache-2.0
"""Markdown tables."""


def markdown(head, rows, left=()):
    """Cells padded to columns, so that the text can be read as it is; numbers to the right, but for
    the columns named in `left`."""
    columns = list(zip(head, *rows, strict=True))
    widths = [max(map(len, cells)) for cells in columns]
    flush = [str.ljust if name in left else str.rjust for name in head]

    def line(cells):
        return "| " + " | ".join(
            pad(cell, width) for pad, cell, width in zip(flush, cells, widths)) + " |"

    rule = "|" + "|".join(
        "-" * (width + 2) if name in left else "-" * (width + 1) + ":"
        for name, width in zip(head, widths)) + "|"
    return "\n".join([line(head), rule, *map(line, rows)]) + "\n"


def speed(tokens_per_s):
    for least, digits in ((99.95, 0), (9.995, 1), (0.9995, 2)):
        if tokens_per_s >= least:
            return f"{tokens_per_s:.{digits}f}"
    return f"{tokens_per_s:.3f}"


def percent(share):
    return "" if share is None else f"{100 * share:.0f} %"


def mebibytes(n_bytes):
    return f"{n_bytes / 2**20:.0f} MiB" if n_bytes < 10 * 2**30 else f"{n_bytes / 2**30:.1f} GiB"


def divergence(found):
    return f"{found.kl:.5f} ± {found.kl_error:.5f}" if found else ""


def seconds(value):
    if value is None:
        return ""
    return f"{1000 * value:.0f} ms" if value < 10 else f"{value:.0f} s"
