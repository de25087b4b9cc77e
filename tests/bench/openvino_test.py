#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/peers/openvino_bench.py with a stand-in for the library."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "bench"))
from peers import engines, rows  # noqa: E402

# A millisecond a token of the prompt, ten a token that follows; notes what it was asked for.
FAKE = {
    "numpy.py": "int64 = None\ndef array(values, dtype): return values\n",
    "openvino.py": "def Tensor(values): return values\n",
    "openvino_genai.py": """
import json, pathlib, types
__version__ = "1.2"
calls = pathlib.Path(__file__).with_name("calls")
def note(**what):
    with open(calls, "a") as file: file.write(json.dumps(what) + "\\n")
class GenerationConfig: pass
class LLMPipeline:
    def __init__(self, model, device, **properties):
        print("what a library prints")
        note(model=model, device=device, **properties)
    def generate(self, ids, config):
        note(ids=ids[0], n=config.max_new_tokens)
        mean = lambda ms: lambda: types.SimpleNamespace(mean=ms)
        return types.SimpleNamespace(perf_metrics=types.SimpleNamespace(
            get_num_generated_tokens=lambda: N_GENERATED,
            get_ttft=mean(1.0 * len(ids[0])), get_tpot=mean(10.0)))
""",
}


class OpenVino(unittest.TestCase):
    def run_bench(self, tests, *options, n_generated="config.max_new_tokens"):
        """(the finished process, what the library was asked for)"""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in FAKE.items():
                pathlib.Path(folder, name).write_text(text.replace("N_GENERATED", n_generated))
            done = subprocess.run(
                [sys.executable, SOURCE / "bench" / "peers" / "openvino_bench.py", "--packages",
                 folder, *options, "-m", "m.gguf", *tests.flags()], capture_output=True, text=True,
                timeout=30, check=False)
            calls = pathlib.Path(folder, "calls").read_text().splitlines()
            return done, [json.loads(line) for line in calls]

    def test_prints_rows_of_llama_bench(self):
        done, calls = self.run_bench(engines.Tests((50,), (4,), (0, 100), (1,), 2))
        printed = rows.parse(done.stdout, "openvino")
        self.assertIn("what a library prints", done.stderr)
        # No prompt at depth 100: there is no way to ask for one.
        self.assertEqual([(row.test.name, round(row.tokens_per_s)) for row in printed],
                         [("pp50", 1000), ("tg4", 100), ("tg4 @ d100", 100)])
        self.assertEqual(calls[0], {"model": "m.gguf", "device": "CPU", "INFERENCE_NUM_THREADS": 1})
        # Each is warmed up and measured twice.
        self.assertEqual([(len(call["ids"]), call["n"]) for call in calls[1:]],
                         3 * [(50, 1)] + 3 * [(1, 5)] + 3 * [(100, 5)])

    def test_asks_with_other_tokens_each_time(self):
        _, calls = self.run_bench(engines.Tests((50,), (), (0,), (1,), 3))
        prompts = {tuple(call["ids"]) for call in calls[1:]}
        self.assertEqual(len(prompts), 4)

    def test_passes_the_group_size_on(self):
        _, calls = self.run_bench(engines.start_tests(2), "--group-size", "128")
        self.assertEqual(calls[0]["DYNAMIC_QUANTIZATION_GROUP_SIZE"], 128)
        self.assertEqual(calls[0]["INFERENCE_NUM_THREADS"], 2)
        self.assertEqual(len(calls), 2)  # not warmed up

    def test_refuses_an_answer_that_ended_early(self):
        done, _ = self.run_bench(engines.Tests((), (8,), (0,), (1,)), n_generated="3")
        self.assertEqual(done.returncode, 1)
        self.assertIn("3 tokens generated, expected 9", done.stderr)


if __name__ == "__main__":
    unittest.main()
