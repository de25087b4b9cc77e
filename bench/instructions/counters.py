# SPDX-License-Identifier: Apache-2.0
"""Counts what kernel_runs executes, one set of instructions each."""

import argparse
import dataclasses
import pathlib
import re

from instructions.record import Counts
from peers import process, tree
from peers.say import Failure, progress

HERE = pathlib.Path(__file__).resolve().parent
TYPES = ("q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k",
         "iq4_nl", "iq4_xs", "mxfp4")


@dataclasses.dataclass(frozen=True)
class Counter:
    name: str       # of the set, as WATTLE_ISA has it
    command: tuple  # what comes before the words of kernel_runs
    pattern: str    # finds the number of instructions in what it prints
    compiler: str   # and its version
    ops: tuple


def qemu(name, cpu, ops):
    tree.need_packages("build", "cross", "count-aarch64")
    program = build("bench-aarch64")
    plugin = program.with_name("count_plugin.so")
    process.run(["gcc", "-O2", "-shared", "-fPIC", "-o", plugin, HERE / "count_plugin.c"])
    return Counter(name, ("qemu-aarch64", "-cpu", cpu, "-plugin", plugin, program),
                   r"^instructions: (\d+)$", version("aarch64-linux-gnu-g++"), ops)


def valgrind(name):
    tree.need_packages("build", "count-here")
    return Counter(name, ("valgrind", "--log-fd=1", "--tool=cachegrind", "--cache-sim=no",
                          "--cachegrind-out-file=/dev/null", build("bench")),
                   r"I +refs: +([\d,]+)$", version("g++"), ("matvec", "matmul", "pack"))


SETS = {"neon": lambda name: qemu(name, "cortex-a76", ("matvec", "matmul", "pack")),
        # Its matvec is that of neon.
        "i8mm": lambda name: qemu(name, "max", ("matmul",)),
        "avx2": valgrind}


def known(text):
    if text not in SETS:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected {', '.join(SETS)}")
    return text


def make(name):
    return SETS[name](name)


def build(preset):
    tree.shell('configure "$1"; build "$1" kernel_runs', preset)
    return tree.ROOT / "build" / preset / "bench" / "kernel_runs"


def version(compiler):
    return f"{compiler} {process.run([compiler, '-dumpfullversion']).out.strip()}"


def count(counter):
    """The Counts of one call of each kernel, half the difference of three calls and one; and how
    many products each such call makes."""
    calls, products = {}, {}
    for op in counter.ops:
        for dtype in TYPES:
            kernel = f"{op} {dtype}"
            progress(f"{counter.name} {kernel}")
            one, products[kernel] = run(counter, op, dtype, 1)
            three, _ = run(counter, op, dtype, 3)
            calls[kernel] = (three - one) // 2
    progress("")
    return Counts(counter.compiler, calls), products


def run(counter, op, dtype, n_calls):
    """(instructions of the whole program, products of one call)"""
    command = [*counter.command, op, dtype, n_calls]
    out = process.run(command, env={"WATTLE_ISA": counter.name}).out
    ran = re.search(r"^(\w+): (\d+) products$", out, re.M)
    instructions = re.search(counter.pattern, out, re.M)
    if not ran or not instructions:
        raise Failure(f"{counter.command[0]} printed no count for {op} {dtype}",
                      "by hand: " + " ".join(map(str, command)))
    if ran[1] != counter.name:
        raise Failure(f"{op} {dtype} ran as {ran[1]}, expected {counter.name}",
                      f"{counter.command[0]} does not offer these instructions")
    return int(instructions[1].replace(",", "")), int(ran[2])
