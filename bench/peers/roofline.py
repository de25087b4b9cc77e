# SPDX-License-Identifier: Apache-2.0
"""What the machine can do, and what a model asks of it: speeds are stated as shares of that."""

import dataclasses

from peers.engines import Engine, Tests


@dataclasses.dataclass
class Peak:
    """The best that was seen, with so many threads; None where there is no such instruction."""
    read_bytes_per_s: float = 0.0
    int8_ops_per_s: float = 0.0


class Roofline:
    """Peaks by number of threads. Other work on the machine takes its part of a reading, so it is
    read again between the rounds, and the best one counts."""

    def __init__(self, wattle_program, small_model):
        self._engine = Engine("wattle", (str(wattle_program), "bench", "-q"))
        self._model = small_model
        self.peaks = {}

    def read(self, n_threads):
        tests = Tests((1,), (), (0,), n_threads, warmup=False)
        printed, _ = self._engine.run(self._model, tests)
        for row in printed:
            peak = self.peaks.setdefault(row.test.n_threads, Peak())
            for name in ("read_bytes_per_s", "int8_ops_per_s"):
                setattr(peak, name, max(getattr(peak, name), row.fields[name] or 0.0))


def text(peaks):
    return "; ".join(
        f"{n} thread{'s' if n > 1 else ''}: {peak.read_bytes_per_s / 1e9:.1f} GB/s of reads"
        + (f", {peak.int8_ops_per_s / 1e9:.0f} GOPS of int8" if peak.int8_ops_per_s else "")
        for n, peak in sorted(peaks.items()))


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a model asks for, exact, from its file: bytes of weights a generated token reads, int8
    operations a token, and those of outputs, the head above all, which a prompt needs once."""
    weight_bytes: int
    block_ops: float
    output_ops: float
    n_params: int = 0

    def int8_ops(self, test):
        n_outputs = test.n_gen or 1
        return self.block_ops * (test.n_prompt + test.n_gen) + self.output_ops * n_outputs


def cost_of(wattle_program, model):
    """`wattle bench` prints the share of the peak, not the operations: prompts of one and of two
    tokens, which both end in one output, tell the two parts apart."""
    engine = Engine("wattle", (str(wattle_program), "bench", "-q"))
    printed, _ = engine.run(model, Tests((1, 2), (), (0,), (1,), warmup=False))
    one, two = (ops_of_row(row.fields) for row in sorted(printed, key=lambda row: row.test))
    fields = printed[0].fields
    return Cost(fields["weight_bytes_per_token"], two - one, 2 * one - two,
                fields["model_n_params"])


def ops_of_row(fields):
    if fields["int8_share"] is None:
        return 0.0
    return fields["int8_share"] * fields["int8_ops_per_s"] * fields["avg_ns"] * 1e-9


def shares(test, tokens_per_s, cost, peak):
    """(of the read bandwidth, of the int8 peak), each None where it says nothing: the tokens of a
    prompt share their reading of the weights."""
    of_memory = None
    if not test.n_prompt and peak.read_bytes_per_s:
        of_memory = tokens_per_s * cost.weight_bytes / peak.read_bytes_per_s
    of_int8 = None
    if peak.int8_ops_per_s and cost.block_ops:
        seconds = (test.n_prompt + test.n_gen) / tokens_per_s
        of_int8 = cost.int8_ops(test) / seconds / peak.int8_ops_per_s
    return of_memory, of_int8
