# SPDX-License-Identifier: Apache-2.0
"""Counts beside those recorded."""

from peers import table
from peers.say import say

TOLERANCE = 0.01


def markdown(name, found, products, before):
    rows = []
    for kernel, n in found.calls.items():
        old = before and before.calls.get(kernel)
        per = 1000 / products[kernel]
        rows.append((kernel, f"{per * n:.1f}", f"{per * old:.1f}" if old else "",
                     f"{n / old:.3f}" if old else ""))
    return table.markdown((name, "instructions per 1,000 products", "recorded", "ratio"), rows,
                          left=(name,))


def compare(name, found, before):
    """A line on each kernel that takes more than recorded. What keeps it from being compared is
    said."""
    if not before:
        say(f"nothing is recorded for {name}: --record keeps these counts")
        return []
    if before.compiler != found.compiler:
        say(f"{name} was recorded with {before.compiler}, this is {found.compiler}: counts may "
            "differ for that alone, so none is called worse")
        return []
    return [f"{name} {kernel}: {n} instructions a call, recorded {before.calls[kernel]}"
            for kernel, n in found.calls.items()
            if kernel in before.calls and n > (1 + TOLERANCE) * before.calls[kernel]]
