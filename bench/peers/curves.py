# SPDX-License-Identifier: Apache-2.0
"""Speed over depth and over the size of a batch: what is measured for them, and their plot."""

import statistics

from peers import plot
from peers.plan import Plan
from peers.summary import OURS

DEPTHS = (0, 512, 1024, 2048, 4096)
BATCHES = tuple(2**k for k in range(10))
N_ROUNDS = 3
# Beyond that, filling the context of 4096 tokens takes longer than all else together.
LARGEST_FILE = 4 * 10**9


def plans(model):
    # A prompt up to 512 tokens is one batch.
    return (Plan(model, n_prompt=(), n_gen=(32,), n_depth=DEPTHS),
            Plan(model, n_prompt=BATCHES, n_gen=(), n_depth=(0,)))


def panels(samples):
    """Two for each model: generation over depth, prompts over their size."""
    for model in dict.fromkeys(sample.model for sample in samples):
        here = [sample for sample in samples if sample.model == model]
        name = model.removesuffix(".gguf")
        generation = series([s for s in here if s.test.n_gen], lambda test: test.n_depth)
        prompt = series([s for s in here if s.test.n_prompt], lambda test: test.n_prompt)
        for lines, what, x_label, is_log in (
                (generation, "generation", "tokens in the context", False),
                (prompt, "prompt", "tokens in the batch", True)):
            if lines:  # else it was interrupted
                yield plot.Panel(f"{name}: {what}", x_label, "tokens/s", is_log, lines)


def series(samples, x_of):
    """Engine -> its points: medians over the rounds, with their spread."""
    found = {}
    for sample in samples:
        at = found.setdefault(sample.engine, {}).setdefault(x_of(sample.test), [])
        at.append(sample.tokens_per_s)
    return {engine: [plot.Point(x, statistics.median(speeds), min(speeds), max(speeds))
                     for x, speeds in sorted(points.items())]
            for engine, points in sorted(found.items(), key=lambda item: item[0] != OURS)}
