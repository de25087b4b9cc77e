# SPDX-License-Identifier: Apache-2.0
"""Engines in turns: heat and neighbours change a machine over minutes, so no engine gets all of the
good ones."""

import time


def rounds(n_least, n_most, budget_s, clock=time.monotonic):
    """Numbers of rounds from 0: at least n_least, then as long as one more fits into the budget."""
    start = clock()
    longest = 0.0
    for n in range(n_most):
        begin = clock()
        if n >= n_least and begin - start + longest > budget_s:
            return
        yield n
        longest = max(longest, clock() - begin)


def in_order(engines, n_round):
    """Forwards and backwards by turns: who comes second has the page cache that the first one left,
    and the heat."""
    return list(engines) if n_round % 2 == 0 else list(reversed(engines))
