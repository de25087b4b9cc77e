# SPDX-License-Identifier: Apache-2.0
"""Two builds of wattle in turns: how much faster the second is, and how sure that is."""

import collections
import dataclasses
import datetime
import json
import statistics

from peers import commit, machine, saved, summary, table, turns
from peers.rows import Test
from peers.say import say


@dataclasses.dataclass(frozen=True)
class Change:
    model: str
    test: Test
    before: float  # median tokens/s
    now: float
    ratio: float   # median over the pairs, now over before
    lowest: float
    highest: float
    n_faster: int  # pairs in which the second build was
    n_pairs: int
    same_logits: bool


class Pairs:
    def __init__(self, before, now):
        self._before, self._now = before, now
        self._rows = []
        self._began = datetime.datetime.now(datetime.timezone.utc)

    def measure(self, plans, n_threads, n_rounds):
        for n_round in range(n_rounds):
            for plan in plans:
                for engine in turns.in_order((self._before, self._now), n_round):
                    printed, _ = engine.run(plan.model, plan.tests(n_threads, n_repetitions=2))
                    model = plan.model.name
                    self._rows += [(n_round, engine.name, model, row) for row in printed]
                    speeds = ", ".join(f"{row.test.name} {table.speed(row.tokens_per_s)}"
                                       for row in printed)
                    say(f"pair {n_round + 1} of {n_rounds}, {model}, {engine.name}: {speeds}")

    def has_rows(self):
        return bool(self._rows)

    def changes(self):
        speeds = collections.defaultdict(dict)  # (model, test, engine) -> {round: tokens/s}
        hashes = collections.defaultdict(set)
        for n_round, engine, model, row in self._rows:
            speeds[model, row.test, engine][n_round] = row.tokens_per_s
            hashes[model, row.test].add(row.fields["logits_hash"])
        for model in dict.fromkeys(key[0] for key in speeds):
            for test in sorted({key[1] for key in speeds if key[0] == model}):
                before = speeds[model, test, self._before.name]
                now = speeds[model, test, self._now.name]
                ratios = summary.ratios_of_pairs(now, before)
                if not ratios:  # interrupted
                    continue
                yield Change(model, test, statistics.median(before.values()),
                             statistics.median(now.values()), statistics.median(ratios),
                             min(ratios), max(ratios), sum(value > 1 for value in ratios),
                             len(ratios), len(hashes[model, test]) == 1)

    def below(self, ratio):
        return [change for change in self.changes() if change.ratio < ratio]

    def markdown(self):
        head = ("model", "threads", "test", self._before.name, self._now.name, "ratio",
                "lowest - highest", "faster", "logits")
        rows = [(change.model.removesuffix(".gguf"), str(change.test.n_threads), change.test.name,
                 table.speed(change.before), table.speed(change.now), f"{change.ratio:.3f}",
                 f"{change.lowest:.3f} - {change.highest:.3f}",
                 f"{change.n_faster} of {change.n_pairs}",
                 "same" if change.same_logits else "changed") for change in self.changes()]
        return (f"{machine.processor_name()}, tokens/s, medians; ratios of pairs, above 1 the "
                f"working tree is faster\n\n" + table.markdown(head, rows,
                                                               left=("model", "test", "logits")))

    def json(self):
        changes = [{**dataclasses.asdict(change.test), **dataclasses.asdict(change),
                    "test": change.test.name} for change in self.changes()]
        rows = [{"pair": n_round, "build": engine, **row.fields}
                for n_round, engine, _, row in self._rows]
        return json.dumps({"time": self._began.isoformat(timespec="seconds"),
                           "processor": machine.processor_name(),
                           "before": self._before.name, "commit": commit.of_tree(),
                           "summary": changes, "rows": rows},
                          indent=1) + "\n"

    def save(self, folder):
        return saved.write(folder, "compare", self._began, self.json())
