# SPDX-License-Identifier: Apache-2.0
"""KL divergence of wattle and of llama.cpp from float arithmetic, on each type of weights."""

import dataclasses
import datetime
import json

from peers import divergence, requantised, roofline, saved, table
from peers.say import Failure, say

HEAD = ("model", "type", "wattle", "llama.cpp", "ratio", "wattle, same top", "llama.cpp, same top")


@dataclasses.dataclass(frozen=True)
class Row:
    model: str
    type: str
    wattle: divergence.Divergence
    llama_cpp: divergence.Divergence

    @property
    def ratio(self):
        return self.wattle.kl / self.llama_cpp.kl if self.llama_cpp.kl > 0 else None


class Quality:
    def __init__(self, wattle, llama_cpp, quantize, copies, n_threads):
        self._engines = wattle, llama_cpp
        self._quantize = quantize
        self._copies = copies
        self._n_threads = n_threads
        self._began = datetime.datetime.now(datetime.timezone.utc)
        self.rows = []

    def measure(self, models, types):
        for model in models:
            n_params = roofline.cost_of(self._engines[0].command[0], model).n_params
            for name in types:
                try:
                    self._measure_type(model, name, n_params)
                except Failure as failure:
                    hint = f" ({failure.hint})" if failure.hint else ""
                    say(f"{model.name}, {name}: left out, as {failure.what}{hint}")

    def _measure_type(self, model, name, n_params):
        with requantised.file(model, name, self._quantize, self._n_threads) as file, \
                self._copies.logits(file, n_params) as logits:
            found = [divergence.of_engine(engine, file, logits, self._n_threads)
                     for engine in self._engines]
        row = Row(model.stem, name, *found)
        self.rows.append(row)
        say(f"{model.name}, {name}: wattle {table.divergence(row.wattle)}, "
            f"llama.cpp {table.divergence(row.llama_cpp)}")

    def markdown(self):
        return table.markdown(HEAD, [
            (row.model, row.type, table.divergence(row.wattle), table.divergence(row.llama_cpp),
             "" if row.ratio is None else f"{row.ratio:.2f}", f"{100 * row.wattle.same_top:.1f} %",
             f"{100 * row.llama_cpp.same_top:.1f} %") for row in self.rows],
            left=("model", "type"))

    def json(self):
        return json.dumps([{**dataclasses.asdict(row), "ratio": row.ratio} for row in self.rows],
                          indent=1) + "\n"

    def save(self, folder):
        return saved.write(folder, "quality", self._began, self.json())
