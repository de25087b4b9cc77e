# SPDX-License-Identifier: Apache-2.0
"""`./dev bench`: parses its arguments, gets what is needed, measures, prints."""

import sys

from peers import arguments, comparison, engines, llama_cpp, machine, tree
from peers.say import run_main, say

QUICK_MODELS = ("smollm2", "gemma3-270m")
QUICK_TESTS = {"n_prompt": (512,), "n_gen": (128,)}
QUICK_SECONDS = 115  # for the rounds; what comes before them takes some seconds


def parse():
    parser = arguments.Parser(
        prog="./dev bench",
        description="wattle and llama.cpp on the same files, in turns: one table with speeds, "
        "their ratios and\nshares of what the machine can do. Builds wattle, gets and builds "
        "llama.cpp.",
        epilog="The table goes to stdout; every run's rows to build/bench/. How to read both:\n"
        "docs/measuring.md. llama.cpp lies in ${XDG_CACHE_HOME:-~/.cache}/wattle.")
    parser.add_argument("--quick", action="store_true", required=True,
                        help="two small models that ./dev fetch gets, in about two minutes")
    arguments.add_threads(parser)
    arguments.add_json(parser)
    return parser.parse_args()


def main():
    settings = parse()
    with machine.measuring_alone(tree.BENCH):
        tree.need_packages("build", "bench")
        wattle = tree.build_program()
        models = [tree.fetch_model(name) for name in QUICK_MODELS]
        peers = [engines.peer(llama_cpp.get(tree.LOG) / "llama-bench", "llama.cpp")]
        run = comparison.Comparison(wattle, peers, settings.threads,
                                    busy_share=machine.warn_if_busy())
        run.measure([comparison.Plan(model, **QUICK_TESTS) for model in models],
                    n_least=3, n_most=9, budget_s=QUICK_SECONDS)
        print(run.json() if settings.json else run.markdown(), end="")
        say(f"every run: {run.save(tree.BENCH)}")
    return 0


if __name__ == "__main__":
    sys.exit(run_main(main))
