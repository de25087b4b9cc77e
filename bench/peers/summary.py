# SPDX-License-Identifier: Apache-2.0
"""From raw samples to the figures of the table: medians, spreads and ratios of pairs."""

import dataclasses
import statistics

from peers.rows import Test

OURS = "wattle"


@dataclasses.dataclass(frozen=True)
class Sample:
    """One test of one run."""
    n_round: int
    engine: str
    model: str
    test: Test
    tokens_per_s: float
    peak_rss_bytes: int  # of the whole run, all its tests


@dataclasses.dataclass(frozen=True)
class Start:
    """A run that opens the model and computes one token."""
    n_round: int
    engine: str
    model: str
    n_threads: int
    seconds: float


@dataclasses.dataclass(frozen=True)
class Line:
    model: str
    test: Test
    engine: str
    tokens_per_s: float
    lowest: float
    highest: float
    ratio: float | None  # speed of wattle over this engine's
    peak_rss_bytes: float
    start_s: float | None


def ratios_of_pairs(ours, theirs):
    """Speeds by round -> ours over theirs, of the rounds that have both. What slows the machine for
    a while slows both of a pair, so the ratio of the medians would be the noisier figure."""
    return [ours[n] / theirs[n] for n in sorted(ours.keys() & theirs.keys())]


def lines(samples, starts):
    """In the order of the samples' models and engines; tests by size."""
    models = list(dict.fromkeys(sample.model for sample in samples))
    engines = list(dict.fromkeys(sample.engine for sample in sorted(
        samples, key=lambda sample: sample.engine != OURS)))
    return [line for model in models
            for test in sorted({sample.test for sample in samples if sample.model == model})
            for line in lines_of_test(model, test, engines, samples, starts)]


def lines_of_test(model, test, engines, samples, starts):
    here = [sample for sample in samples if (sample.model, sample.test) == (model, test)]
    speeds = {engine: {sample.n_round: sample.tokens_per_s for sample in here
                       if sample.engine == engine} for engine in engines}
    for engine in engines:
        if not speeds[engine]:
            continue
        ratios = [] if engine == OURS else ratios_of_pairs(speeds.get(OURS, {}), speeds[engine])
        opened = [start.seconds for start in starts if (start.engine, start.model, start.n_threads)
                  == (engine, model, test.n_threads)]
        yield Line(model, test, engine,
                   tokens_per_s=statistics.median(speeds[engine].values()),
                   lowest=min(speeds[engine].values()), highest=max(speeds[engine].values()),
                   ratio=statistics.median(ratios) if ratios else None,
                   peak_rss_bytes=statistics.median(
                       sample.peak_rss_bytes for sample in here if sample.engine == engine),
                   start_s=statistics.median(opened) if opened else None)
