# SPDX-License-Identifier: Apache-2.0
"""What llama-bench and `wattle bench` print with `-o json`, as far as it is compared."""

import dataclasses
import json
import statistics

from peers.say import Failure


@dataclasses.dataclass(frozen=True, order=True)
class Test:
    """One thing that is timed. Sorted by threads, by depth, prompts before generations."""
    n_threads: int
    n_depth: int
    n_gen: int
    n_prompt: int

    @property
    def name(self):
        parts = [f"pp{self.n_prompt}"] if self.n_prompt else []
        parts += [f"tg{self.n_gen}"] if self.n_gen else []
        return "+".join(parts) + (f" @ d{self.n_depth}" if self.n_depth else "")


@dataclasses.dataclass(frozen=True)
class Row:
    test: Test
    tokens_per_s: float  # median of the samples
    fields: dict         # all that the engine printed


def parse(text, program):
    """The rows in the JSON text that `program` (for the message) has printed."""
    try:
        printed = json.loads(text)
        rows = [row_of(fields) for fields in printed]
    except (ValueError, KeyError, TypeError) as error:
        raise Failure(f"{program} printed no rows of llama-bench as JSON ({error}), it begins "
                      f"{text[:60]!r}",
                      "a peer takes the flags of llama-bench, `-o json` among them") from None
    if not rows:
        raise Failure(f"{program} measured nothing", "run it by hand with the same flags")
    return rows


def row_of(fields):
    samples = fields["samples_ts"]
    if not samples or not all(value > 0 for value in samples):
        raise ValueError(f"samples_ts is {samples}, expected speeds")
    test = Test(**{field.name: int(fields[field.name]) for field in dataclasses.fields(Test)})
    return Row(test, statistics.median(samples), fields)
