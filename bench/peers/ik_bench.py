# SPDX-License-Identifier: Apache-2.0
"""The llama-bench of ik_llama.cpp with the flags and the JSON of the one of llama.cpp, as far as
./dev bench uses them: it has no -d and no --no-warmup. What it cannot do (a prompt after other
tokens) has no row.
"""

import argparse
import json
import subprocess
import sys


def parse(arguments=None):
    def numbers(text):
        return [int(n) for n in text.split(",")]

    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--repack", action="store_true")
    parser.add_argument("-m", dest="model", required=True)
    for flag, name, default in (("-p", "n_prompt", "512"), ("-n", "n_gen", "128"),
                                ("-d", "n_depth", "0"), ("-t", "n_threads", "1")):
        parser.add_argument(flag, dest=name, type=numbers, default=default)
    parser.add_argument("-r", dest="n_repetitions", type=int, default=5)
    parser.add_argument("--no-warmup", action="store_true")
    parser.add_argument("-o", dest="output", choices=["json"], default="json")
    return parser.parse_args(arguments)


def command(settings, n_depth):
    """What measures all tests of one depth."""
    words = [settings.program, "-m", settings.model, "-r", str(settings.n_repetitions), "-o", "json",
             "-t", ",".join(map(str, settings.n_threads)), "-w", "0" if settings.no_warmup else "1"]
    if settings.repack:
        words += ["-rtr", "1"]
    if n_depth == 0:
        return words + ["-p", ",".join(map(str, settings.n_prompt)),
                        "-n", ",".join(map(str, settings.n_gen))]
    words += ["-p", "0", "-n", "0"]  # -gp: a prompt that is not timed, then a generation
    for n_gen in settings.n_gen:
        words += ["-gp", f"{n_depth},{n_gen}"]
    return words


def with_depth(row, n_depth):
    """A generation at a depth names the depth as its prompt."""
    return row | {"n_depth": n_depth} | ({"n_prompt": 0} if n_depth else {})


def rows_of(text):
    """What it prints, without the lines of the model loader between those of the JSON."""
    return json.loads("\n".join(line for line in text.splitlines()
                                if line.lstrip().startswith(tuple('[]{}"'))))


def main():
    settings = parse()
    rows = []
    for n_depth in settings.n_depth:
        if n_depth and not any(settings.n_gen):
            continue
        run = subprocess.run(command(settings, n_depth), stdout=subprocess.PIPE, text=True,
                             check=False)
        if run.returncode != 0:
            sys.exit(run.returncode if run.returncode > 0 else 128 - run.returncode)
        rows += [with_depth(row, n_depth) for row in rows_of(run.stdout)]
    json.dump(rows, sys.stdout)


if __name__ == "__main__":
    main()
