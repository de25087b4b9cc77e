# SPDX-License-Identifier: Apache-2.0
"""What is timed on one model."""

import dataclasses
import pathlib

from peers.engines import Tests


@dataclasses.dataclass(frozen=True)
class Plan:
    model: pathlib.Path
    n_prompt: tuple
    n_gen: tuple
    n_depth: tuple

    def tests(self, n_threads, n_repetitions=1):
        return Tests(self.n_prompt, self.n_gen, self.n_depth, (n_threads,), n_repetitions)
