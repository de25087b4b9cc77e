# SPDX-License-Identifier: Apache-2.0
"""One comparison from beginning to end: who runs what when, and what is kept of it."""

import contextlib
import dataclasses
import datetime

from peers import curves, divergence, engines, machine, roofline, summary, table, tree, turns
from peers.say import Failure, say


def powers_of_two_up_to(n):
    """1, 2, 4 ... and n itself: how a machine scales needs no more."""
    return tuple(sorted({n} | {2**k for k in range(n.bit_length()) if 2**k <= n}))


def in_one_line(text):
    """A failure and, where it tells the end of what a program said, the last line of that."""
    first, *more = text.splitlines()
    if more:
        first = first.split(";")[0] + ": " + more[-1].lstrip(" |")
    return first.removesuffix(".") + "."


@dataclasses.dataclass
class Results:
    """All that was measured; report.py makes text of it."""
    engines: list                # of Engine
    busy_share: float | None     # of other work, before the start
    began: datetime.datetime
    peaks: dict = dataclasses.field(default_factory=dict)    # threads -> roofline.Peak
    costs: dict = dataclasses.field(default_factory=dict)    # model -> roofline.Cost
    samples: list = dataclasses.field(default_factory=list)  # of summary.Sample
    curves: list = dataclasses.field(default_factory=list)   # of summary.Sample, for the plot alone
    starts: list = dataclasses.field(default_factory=list)   # of summary.Start
    rows: list = dataclasses.field(default_factory=list)     # what the engines printed, and more
    divergences: dict = dataclasses.field(default_factory=dict)  # (engine, model) -> Divergence
    notes: list = dataclasses.field(default_factory=list)    # what is not in the table, and why
    n_rounds: int = 0


class Comparison:
    def __init__(self, wattle_program, peers, n_threads, busy_share=None, notes=()):
        self._program = wattle_program
        self._engines = list(engines.with_names_apart([engines.wattle(wattle_program), *peers]))
        self._n_threads = n_threads
        self._roofline = roofline.Roofline(wattle_program, tree.SMALL_MODEL)
        self._left_out = set()  # (engine, model)
        self.results = Results(self._engines, busy_share,
                               datetime.datetime.now(datetime.timezone.utc),
                               peaks=self._roofline.peaks, notes=list(notes))

    def measure(self, plans, n_least, n_most=None, budget_s=0):
        """Rounds over all plans: n_least, up to n_most where the budget allows."""
        self._roofline.read(powers_of_two_up_to(self._n_threads))
        for plan in plans:
            self._leave_out_what_does_not_fit(plan.model)
        plans = [plan for plan in plans if not self._is_out(summary.OURS, plan.model)]
        for plan in plans:
            self._cost(plan.model)
        for n_round in turns.rounds(n_least, n_most or n_least, budget_s):
            for plan in plans:
                for engine in turns.in_order(self._engines, n_round):
                    self._try(self._run, engine, plan, n_round)
            self._roofline.read((self._n_threads,))
            self.results.n_rounds = n_round + 1

    def measure_curves(self, model):
        """Speed over depth and over the size of a batch; for the plot alone."""
        for n_round in range(curves.N_ROUNDS):
            say(f"round {n_round + 1} of {curves.N_ROUNDS}, {model.name}: over depth and batch")
            for engine in turns.in_order(self._engines, n_round):
                for plan in curves.plans(model):
                    self._try(self._run_curve, engine, plan, n_round)

    def _cost(self, model):
        """Working it out also puts the file into the page cache."""
        if model.name not in self.results.costs:
            self.results.costs[model.name] = roofline.cost_of(self._program, model)
        return self.results.costs[model.name]

    def measure_divergence(self, model, copies):
        say(f"{model.name}: KL divergence from float arithmetic")
        with contextlib.ExitStack() as stack:
            try:
                logits = stack.enter_context(copies.logits(model, self._cost(model).n_params))
            except Failure as failure:
                self._note(f"No KL divergence on {model.name}: {failure.what}")
                return
            for engine in self._engines:
                try:
                    found = divergence.of_engine(engine, model, logits, self._n_threads)
                except Failure as failure:
                    self._note(f"No KL divergence of {engine.name} on {model.name}: {failure.what}")
                    continue
                if found:
                    self.results.divergences[engine.name, model.name] = found

    def _note(self, text):
        self.results.notes.append(in_one_line(text))
        say(text)

    def _leave_out_what_does_not_fit(self, model):
        """Else the disk would be measured, and everything else on the machine would suffer."""
        for engine in self._engines:
            shortage = machine.memory_shortage(model.stat().st_size * engine.memory_per_byte)
            if shortage:
                self._leave_out(engine, model, shortage)

    def _is_out(self, engine_name, model):
        return (engine_name, model.name) in self._left_out

    def _leave_out(self, engine, model, why, what="was left out"):
        self._left_out.add((engine.name, model.name))
        self._note(f"{engine.name} on {model.name} {what}: {why}")

    def _try(self, run, engine, plan, n_round):
        """A peer need not know every model; ours does. What one that fails later has measured
        before stays, and is said to be less."""
        if self._is_out(engine.name, plan.model):
            return
        try:
            run(engine, plan, n_round)
        except Failure as failure:
            if engine.name == summary.OURS:
                raise
            if run == self._run_curve:
                what = "has no whole curve"
            else:
                what = f"has {n_round} of the rounds alone" if n_round else "was left out"
            self._leave_out(engine, plan.model, failure.what, what)

    def _run(self, engine, plan, n_round):
        _, started = engine.run(plan.model, engines.start_tests(self._n_threads))
        model = plan.model.name
        self.results.starts.append(
            summary.Start(n_round, engine.name, model, self._n_threads, started.wall_s))
        samples = self._run_tests(engine, plan, n_round, {"start_s": started.wall_s})
        self.results.samples += samples
        speeds = ", ".join(f"{sample.test.name} {table.speed(sample.tokens_per_s)}"
                           for sample in samples)
        say(f"round {n_round + 1}, {model}, {engine.name}: {speeds} tokens/s")

    def _run_curve(self, engine, plan, n_round):
        self.results.curves += self._run_tests(engine, plan, n_round, {"for_plot": True})

    def _run_tests(self, engine, plan, n_round, more_fields):
        """The samples of one run, whose rows are kept."""
        printed, finished = engine.run(plan.model, plan.tests(self._n_threads))
        self.results.rows += [{"round": n_round, "compared_as": engine.name,
                        "process_s": finished.wall_s,
                        "process_peak_rss_bytes": finished.peak_rss_bytes,
                        **more_fields, **row.fields} for row in printed]
        return [summary.Sample(n_round, engine.name, plan.model.name, row.test, row.tokens_per_s,
                               finished.peak_rss_bytes) for row in printed]
