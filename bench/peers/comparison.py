# SPDX-License-Identifier: Apache-2.0
"""One comparison from beginning to end: who runs what when, what is kept, what is printed."""

import contextlib
import dataclasses
import datetime
import json
import pathlib

from peers import curves, divergence, engines, machine, plot, roofline, saved, summary
from peers import table, tree, turns
from peers.say import Failure, say


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is timed on one model."""
    model: pathlib.Path
    n_prompt: tuple
    n_gen: tuple
    n_depth: tuple = (0,)


def powers_of_two_up_to(n):
    """1, 2, 4 ... and n itself: how a machine scales needs no more."""
    return tuple(sorted({n} | {2**k for k in range(n.bit_length()) if 2**k <= n}))


def in_one_line(text):
    """A failure and, where it tells the end of what a program said, the last line of that."""
    first, *more = text.splitlines()
    return first.split(";")[0] + (": " + more[-1].lstrip(" |") if more else "") + "."


class Comparison:
    def __init__(self, wattle_program, peers, n_threads, busy_share=None):
        self._program = wattle_program
        self._engines = list(engines.with_names_apart([engines.wattle(wattle_program), *peers]))
        self._n_threads = n_threads
        self._roofline = roofline.Roofline(wattle_program, tree.SMALL_MODEL)
        self._costs = {}
        self._samples, self._starts, self._rows = [], [], []
        self._left_out = set()  # (engine, model)
        self._curves = []
        self._divergences = {}  # (engine, model) -> Divergence
        self._notes = []  # what is not in the table, and why
        self._n_rounds = 0
        self._began = datetime.datetime.now(datetime.timezone.utc)
        self._busy_share = busy_share  # of other work, before the start

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
            self._n_rounds = n_round + 1

    def measure_curves(self, model):
        """Speed over depth and over the size of a batch; for the plot alone."""
        for n_round in range(curves.N_ROUNDS):
            say(f"round {n_round + 1} of {curves.N_ROUNDS}, {model.name}: over depth and batch")
            for engine in turns.in_order(self._engines, n_round):
                for tests in (curves.over_depth, curves.over_batch):
                    plan = Plan(model, *dataclasses.astuple(tests(self._n_threads))[:3])
                    self._try(self._run_curve, engine, plan, n_round)

    def _cost(self, model):
        """Working it out also puts the file into the page cache."""
        if model.name not in self._costs:
            self._costs[model.name] = roofline.cost_of(self._program, model)
        return self._costs[model.name]

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
                    self._divergences[engine.name, model.name] = found

    def _note(self, text):
        self._notes.append(in_one_line(text))
        say(text)

    def _leave_out_what_does_not_fit(self, model):
        """Else the disk would be measured, and everything else on the machine would suffer."""
        available = machine.memory_bytes()
        for engine in self._engines:
            needed = model.stat().st_size * engine.memory_per_byte
            if needed > available:
                self._leave_out(engine, model, f"takes about {needed / 1e9:.1f} GB of memory, "
                                f"{available / 1e9:.1f} GB are available")

    def _is_out(self, engine_name, model):
        return (engine_name, model.name) in self._left_out

    def _leave_out(self, engine, model, why):
        self._left_out.add((engine.name, model.name))
        self._note(f"{engine.name} on {model.name} was left out: {why}")

    def _try(self, run, engine, plan, n_round):
        """A peer need not know every model; ours does."""
        if self._is_out(engine.name, plan.model):
            return
        try:
            run(engine, plan, n_round)
        except Failure as failure:
            if engine.name == summary.OURS:
                raise
            self._leave_out(engine, plan.model, failure.what)

    def _run(self, engine, plan, n_round):
        _, started = engine.run(plan.model, engines.start_tests(self._n_threads))
        model = plan.model.name
        self._starts.append(
            summary.Start(n_round, engine.name, model, self._n_threads, started.wall_s))
        samples = self._run_tests(engine, plan, n_round, {"start_s": started.wall_s})
        self._samples += samples
        speeds = ", ".join(f"{sample.test.name} {table.speed(sample.tokens_per_s)}"
                           for sample in samples)
        say(f"round {n_round + 1}, {model}, {engine.name}: {speeds} tokens/s")

    def _run_curve(self, engine, plan, n_round):
        self._curves += self._run_tests(engine, plan, n_round, {"for_plot": True})

    def _run_tests(self, engine, plan, n_round, more_fields):
        """The samples of one run, whose rows are kept."""
        tests = engines.Tests(plan.n_prompt, plan.n_gen, plan.n_depth, (self._n_threads,))
        printed, finished = engine.run(plan.model, tests)
        self._rows += [{"round": n_round, "compared_as": engine.name,
                        "process_s": finished.wall_s,
                        "process_peak_rss_bytes": finished.peak_rss_bytes,
                        **more_fields, **row.fields} for row in printed]
        return [summary.Sample(n_round, engine.name, plan.model.name, row.test, row.tokens_per_s,
                               finished.peak_rss_bytes) for row in printed]

    def _lines(self):
        """(line, its shares of memory and of int8)"""
        for line in summary.lines(self._samples, self._starts):
            peak = self._roofline.peaks[line.test.n_threads]
            cost = self._costs[line.model]
            yield line, roofline.shares(line.test, line.tokens_per_s, cost, peak)

    def markdown(self):
        head = ("model", "threads", "test", "engine", "tokens/s", "lowest - highest", "wattle is",
                "of memory", "of int8", "peak RSS", "start", "KL divergence")
        rows = [(line.model.removesuffix(".gguf"), str(line.test.n_threads), line.test.name,
                 line.engine, table.speed(line.tokens_per_s),
                 f"{table.speed(line.lowest)} - {table.speed(line.highest)}",
                 "" if line.ratio is None else f"{table.ratio(line.ratio)} x",
                 table.percent(of_memory), table.percent(of_int8),
                 table.mebibytes(line.peak_rss_bytes), table.seconds(line.start_s),
                 table.divergence(self._divergences.get((line.engine, line.model))))
                for line, (of_memory, of_int8) in self._lines()]
        return (f"{machine.processor_name()}, {machine.n_processors()} processors; "
                f"medians of {self._n_rounds} in turns\n"
                f"{self._roofline.text()}\n\n"
                + table.markdown(head, rows, left=("model", "test", "engine"))
                + "".join(f"\n{note}\n" for note in self._notes))

    def document(self):
        lines = [{"model": line.model, "engine": line.engine, "name": line.test.name,
                  **dataclasses.asdict(line.test), "tokens_per_s": line.tokens_per_s,
                  "lowest": line.lowest, "highest": line.highest, "wattle_ratio": line.ratio,
                  "memory_share": of_memory, "int8_share": of_int8,
                  "peak_rss_bytes": int(line.peak_rss_bytes), "start_s": line.start_s}
                 for line, (of_memory, of_int8) in self._lines()]
        return {"time": self._began.isoformat(timespec="seconds"),
                "processor": machine.processor_name(),
                "n_processors": machine.n_processors(),
                "busy_share_before": self._busy_share,
                "n_rounds": self._n_rounds,
                "roofline": {n: dataclasses.asdict(peak)
                             for n, peak in sorted(self._roofline.peaks.items())},
                "engines": {engine.name: " ".join(engine.command) for engine in self._engines},
                "notes": self._notes,
                "divergence": [{"engine": engine, "model": model, **dataclasses.asdict(found)}
                               for (engine, model), found in self._divergences.items()],
                "summary": lines,
                "rows": self._rows}

    def has_rows(self):
        return bool(self._rows)

    def json(self):
        return json.dumps(self.document(), indent=1) + "\n"

    def save(self, folder):
        """The paths of what was written: every run, and the plot where there are curves."""
        paths = [saved.write(folder, "peers", self._began, self.json())]
        if self._curves:
            picture = plot.svg(list(curves.panels(self._curves)))
            paths.append(saved.write(folder, "peers", self._began, picture, "svg"))
        return paths
