# SPDX-License-Identifier: Apache-2.0
"""`./dev bench`: parses its arguments, gets what is needed, measures, prints."""

import contextlib
import sys
import time

from peers import arguments, comparison, curves, divergence, engines, ik_llama_cpp, llama_cpp
from peers import machine, openvino, report, synth, tree
from peers.plan import Plan
from peers.say import Failure, run_main, say

REAL_MODELS = ("smollm2", "gemma3-270m")
QUICK_SECONDS = 115  # for quality and the rounds; what comes before them takes some seconds
QUICK_LEAST, QUICK_MOST = 3, 9


def parse():
    parser = arguments.Parser(
        prog="./dev bench",
        description="wattle and llama.cpp on the same files, in turns: one table with speeds, "
        "their ratios and\nshares of what the machine can do, KL divergence. Builds wattle, gets "
        "and builds llama.cpp.",
        epilog="Measured are two small models that ./dev fetch gets, and unless --quick also files "
        "of the\nshapes of larger ones, with random weights, as far as they fit into memory:\n"
        f"{', '.join(synth.DEFAULT)}. The table goes to\nstdout; every run's rows to "
        "build/measured/, and beside them unless --quick a plot of the\nspeed over depth and batch "
        "of files up to 4 GB. How to read all: docs/measuring.md.\n"
        "llama.cpp and the files lie in ${XDG_CACHE_HOME:-~/.cache}/wattle.")
    parser.add_argument("--quick", action="store_true",
                        help="the two small models alone, as many rounds as fit into two minutes")
    parser.add_argument("-m", "--model", action="append", default=[], metavar="FILE",
                        type=arguments.file, help="measure this file instead of all those; may be "
                        "given several times")
    parser.add_argument("--shape", action="append", default=[], metavar="PRESET[:TYPE]",
                        help="the same for a shape that `wattle synth --list` shows (TYPE: q4_0)")
    parser.add_argument("--keep", action="store_true",
                        help="keep the files that were made for this; else they are deleted")
    parser.add_argument("--peer", action="append", default=[], metavar="PATH",
                        help="one more program with the flags and the JSON of llama-bench")
    parser.add_argument("--no-llama-cpp", action="store_true", help="do without llama.cpp, "
                        "and so without KL divergences")
    parser.add_argument("--ik", action="store_true",
                        help="ik_llama.cpp as well, twice: as it starts at once, and with its "
                        "weights repacked while they are loaded")
    parser.add_argument("--openvino", action="store_true",
                        help="OpenVINO GenAI as well, twice: as it comes, and with "
                        "DYNAMIC_QUANTIZATION_GROUP_SIZE 128")
    arguments.add_tests(parser)
    arguments.add_threads(parser)
    parser.add_argument("--rounds", type=arguments.positive, default=5, metavar="N",
                        help="rounds, unless --quick (default 5)")
    arguments.add_json(parser)
    return parser.parse_args()


def main():
    settings = parse()
    peers = [engines.peer(path) for path in settings.peer]
    with machine.measuring_alone(tree.MEASURED):
        tree.need_packages("build", "bench")
        wattle = tree.build_program()
        models, shapes, too_large = what_to_measure(settings, wattle)
        synth.check_disk(shapes, settings.keep or settings.quick)
        copies = None
        if not settings.no_llama_cpp:
            programs = llama_cpp.SOURCE.get()
            peers.insert(0, engines.peer(programs / "llama-bench", "llama.cpp"))
            copies = divergence.float_copies(wattle, programs, 1 if settings.quick else 4,
                                             settings.threads)
        if settings.ik:
            peers += ik_llama_cpp.engines()
        if settings.openvino:
            peers += openvino.engines()
        run = comparison.Comparison(wattle, peers, settings.threads,
                                    busy_share=machine.warn_if_busy(), notes=too_large)

        try:
            measure(run, settings, wattle, models + shapes, copies)
            if not run.results.samples:
                raise Failure("nothing was measured", "what was left out, and why, stands above")
            print(report.as_json(run.results) if settings.json else report.markdown(run.results),
                  end="", flush=True)
        finally:  # what was measured stays, also where the rest is interrupted
            if run.results.rows:
                paths = report.save(run.results, tree.MEASURED)
                say("every run: " + ", the plot: ".join(map(str, paths)))
    return 0


def measure(run, settings, wattle, models, copies):
    start = time.monotonic()
    for model in models:  # what random weights say is not worth comparing
        if copies and not isinstance(model, synth.Shape):
            run.measure_divergence(model, copies)

    def as_file(model):
        if isinstance(model, synth.Shape):
            return synth.file(model, wattle, settings.keep)
        return contextlib.nullcontext(model)

    def plan(model):
        return Plan(model, settings.n_prompt, settings.n_gen, settings.n_depth)

    if settings.quick:
        with contextlib.ExitStack() as files:
            run.measure([plan(files.enter_context(as_file(model))) for model in models],
                        QUICK_LEAST, QUICK_MOST, QUICK_SECONDS - (time.monotonic() - start))
    else:  # one after the other: all files at once may not fit on the disk
        for model in models:
            with as_file(model) as file:
                run.measure([plan(file)], settings.rounds)
                if file.stat().st_size <= curves.LARGEST_FILE:
                    run.measure_curves(file)


def what_to_measure(settings, wattle):
    """(files, shapes, notes on shapes that are too large)"""
    files, shapes = settings.model, settings.shape
    if not files and not shapes:
        files = [tree.fetch_model(name) for name in REAL_MODELS]
        shapes = [] if settings.quick else synth.DEFAULT
    shapes = [synth.shape(text, wattle) for text in shapes]
    arguments.need_names_apart([*files, *(shape.path for shape in shapes)])
    # Before gigabytes are written for nothing.
    shapes, too_large = synth.fitting(shapes, engines.WATTLE_MEMORY_PER_BYTE)
    for note in too_large:
        say(note)
    if not files and not shapes:
        raise Failure("nothing is left to measure", "name smaller shapes with --shape")
    return list(files), shapes, too_large


if __name__ == "__main__":
    sys.exit(run_main(main))
