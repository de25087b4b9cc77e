# SPDX-License-Identifier: Apache-2.0
"""OpenVINO GenAI with the flags and the JSON of llama-bench, as far as ./dev bench uses them.

Runs by itself, with the interpreter that its packages are for. What a flag asks for and the library
cannot do (a prompt after other tokens) has no row.
"""

import argparse
import json
import os
import random
import statistics
import sys


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--packages", required=True, help="the folder that holds openvino_genai")
    parser.add_argument("--group-size", type=int, help="DYNAMIC_QUANTIZATION_GROUP_SIZE")
    parser.add_argument("-m", dest="model", required=True)
    for flag, name, default in (("-p", "n_prompt", "512"), ("-n", "n_gen", "128"),
                                ("-d", "n_depth", "0"), ("-t", "n_threads", "1")):
        parser.add_argument(flag, dest=name, type=lambda text: [int(n) for n in text.split(",")],
                            default=default)
    parser.add_argument("-r", dest="n_repetitions", type=int, default=5)
    parser.add_argument("--no-warmup", action="store_true")
    parser.add_argument("-o", dest="output", choices=["json"], default="json")
    return parser.parse_args()


class Pipeline:
    def __init__(self, settings, n_threads):
        import numpy
        import openvino
        import openvino_genai
        self._numpy, self._openvino, self._genai = numpy, openvino, openvino_genai
        properties = {"INFERENCE_NUM_THREADS": n_threads}
        if settings.group_size is not None:
            properties["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = settings.group_size
        self._pipeline = openvino_genai.LLMPipeline(settings.model, "CPU", **properties)
        self.version = openvino_genai.__version__
        self._random = random.Random(0)

    def seconds(self, n_prompt, n_gen, n_depth):
        """Of one run: the time to the first token after a prompt, or of the tokens after it."""
        # Other tokens each time: the library keeps the keys and values of prompts it has seen.
        tokens = [self._random.randrange(1000, 20000) for _ in range(max(n_prompt, n_depth, 1))]
        config = self._genai.GenerationConfig()
        config.max_new_tokens = config.min_new_tokens = n_gen + 1
        config.ignore_eos = True
        config.do_sample = False
        config.apply_chat_template = False
        ids = self._openvino.Tensor(self._numpy.array([tokens], dtype=self._numpy.int64))
        metrics = self._pipeline.generate(ids, config).perf_metrics
        if metrics.get_num_generated_tokens() != n_gen + 1:
            sys.exit(f"{metrics.get_num_generated_tokens()} tokens generated, expected {n_gen + 1}")
        return (metrics.get_tpot().mean * n_gen if n_gen else metrics.get_ttft().mean) / 1000


def tests_of(settings):
    """(n_prompt, n_gen, n_depth)"""
    for n_depth in settings.n_depth:
        yield from ((n, 0, n_depth) for n in settings.n_prompt if n and not n_depth)
        yield from ((0, n, n_depth) for n in settings.n_gen if n)


def main():
    settings = parse()
    sys.path.insert(0, settings.packages)
    rows = []
    for n_threads in settings.n_threads:
        pipeline = Pipeline(settings, n_threads)
        for n_prompt, n_gen, n_depth in tests_of(settings):
            if not settings.no_warmup:
                pipeline.seconds(n_prompt, n_gen, n_depth)
            samples = [pipeline.seconds(n_prompt, n_gen, n_depth)
                       for _ in range(settings.n_repetitions)]
            speeds = [(n_prompt + n_gen) / sample for sample in samples]
            rows.append({"build_commit": pipeline.version, "engine": "openvino-genai",
                         "dynamic_quantization_group_size": settings.group_size,
                         "model_filename": settings.model, "n_threads": n_threads,
                         "n_prompt": n_prompt, "n_gen": n_gen, "n_depth": n_depth,
                         "avg_ts": statistics.mean(speeds),
                         "samples_ns": [round(sample * 1e9) for sample in samples],
                         "samples_ts": speeds})
    # The library prints to stdout, too, and in other threads until its objects are gone.
    json.dump(rows, os.fdopen(real_stdout, "w"), indent=1)


if __name__ == "__main__":
    real_stdout = os.dup(1)
    os.dup2(2, 1)
    main()
