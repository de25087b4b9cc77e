# SPDX-License-Identifier: Apache-2.0
"""The programs that are compared, and how each is asked for the same thing."""

import dataclasses
import os
import pathlib

from peers import process, rows
from peers.say import Failure


@dataclasses.dataclass(frozen=True)
class Tests:
    """Flags of llama-bench: what one run times."""
    n_prompt: tuple
    n_gen: tuple
    n_depth: tuple
    n_threads: tuple
    n_repetitions: int = 1
    warmup: bool = True

    def flags(self):
        lists = (("-p", self.n_prompt or (0,)), ("-n", self.n_gen or (0,)), ("-d", self.n_depth),
                 ("-t", self.n_threads), ("-r", (self.n_repetitions,)))
        flags = [word for flag, values in lists for word in (flag, ",".join(map(str, values)))]
        return flags + ([] if self.warmup else ["--no-warmup"]) + ["-o", "json"]


# Opens the model and computes one token: how long until a program is ready, measured alike for all.
def start_tests(n_threads):
    return Tests((1,), (), (0,), (n_threads,), warmup=False)


@dataclasses.dataclass(frozen=True)
class Engine:
    name: str
    command: tuple  # what comes before the flags
    # How much memory a model takes, over the size of its file. llama.cpp repacks weights into
    # another layout beside the mapped file: 23.6 GB were measured for 14.4 GB of Gemma 4 26B-A4B.
    memory_per_byte: float = 1.65
    perplexity: tuple = ()  # what says its KL divergence, before the flags; empty: nothing does

    def run(self, model, tests):
        """(rows, Finished) of one run."""
        finished = process.run([*self.command, "-m", model, *tests.flags()])
        return rows.parse(finished.out, self.command[0]), finished


WATTLE_MEMORY_PER_BYTE = 1.05


def wattle(program, name="wattle"):
    # The probe reads 256 MiB, which would count as memory of the engine.
    return Engine(name, (str(program), "bench", "--no-probe", "-q"),
                  memory_per_byte=WATTLE_MEMORY_PER_BYTE,
                  perplexity=(str(program), "perplexity", "--json", "-q"))


def peer(program, name=None):
    """A program that takes the flags of llama-bench and prints its JSON."""
    program = pathlib.Path(program)
    if not program.is_file() or not os.access(program, os.X_OK):
        raise Failure(f"{program}: not a program", "--peer takes the path of a llama-bench")
    beside = program.absolute().with_name("llama-perplexity")
    return Engine(name or program.name, (str(program.absolute()),),
                  # A piece is one batch.
                  perplexity=(str(beside), "-c", "512", "-b", "512") if beside.is_file() else ())


def with_names_apart(engines):
    """Two programs called llama-bench are llama-bench and llama-bench (2)."""
    seen = {}
    for engine in engines:
        n = seen[engine.name] = seen.get(engine.name, 0) + 1
        yield engine if n == 1 else dataclasses.replace(engine, name=f"{engine.name} ({n})")
