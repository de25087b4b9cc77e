#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/peers on recorded output and with scripts in the place of engines."""

import base64
import contextlib
import hashlib
import io
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import types
import unittest
from unittest import mock

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DATA = SOURCE / "tests" / "bench" / "data"
sys.path.insert(0, str(SOURCE / "bench"))
from peers import comparison, divergence, engines, llama_cpp, process  # noqa: E402
from peers import roofline, rows, summary, synth, table, turns  # noqa: E402
from peers.rows import Test  # noqa: E402
from peers.say import Failure  # noqa: E402


def recorded(name):
    return (DATA / name).read_text()


def test_of(n_prompt=0, n_gen=0, n_depth=0, n_threads=1):
    return Test(n_threads=n_threads, n_depth=n_depth, n_gen=n_gen, n_prompt=n_prompt)


class Rows(unittest.TestCase):
    def test_reads_both_engines_alike(self):
        for name in ("wattle.json", "llama-bench.json"):
            printed = rows.parse(recorded(name), name)
            self.assertEqual([row.test for row in printed],
                             [test_of(n_prompt=32), test_of(n_gen=8)])
            for row in printed:
                self.assertEqual(row.tokens_per_s, statistics.median(row.fields["samples_ts"]))

    def test_the_speed_is_the_median_and_no_mean(self):
        printed = json.loads(recorded("llama-bench.json"))[:1]
        printed[0]["samples_ts"] = [100.0, 1.0, 90.0]
        self.assertEqual(rows.parse(json.dumps(printed), "x")[0].tokens_per_s, 90.0)

    def test_refuses_what_is_no_row(self):
        without = json.loads(recorded("wattle.json"))
        del without[1]["n_depth"]
        stopped = json.loads(recorded("wattle.json"))
        stopped[0]["samples_ts"] = [0.0]
        for text in ("| model | t/s |", "{}", '[{"a": 1}]', "[1]", "[]", json.dumps(without),
                     json.dumps(stopped)):
            with self.assertRaises(Failure, msg=text) as caught:
                rows.parse(text, "some-bench")
            self.assertIn("some-bench", caught.exception.what)

    def test_names_tests_as_llama_bench_does(self):
        self.assertEqual(test_of(n_prompt=512).name, "pp512")
        self.assertEqual(test_of(n_gen=128, n_depth=4096).name, "tg128 @ d4096")
        self.assertEqual(test_of(n_prompt=512, n_gen=128).name, "pp512+tg128")


class Flags(unittest.TestCase):
    def test_are_those_of_llama_bench(self):
        tests = engines.Tests((128, 512), (), (0, 1024), (1, 2), 3)
        self.assertEqual(" ".join(tests.flags()),
                         "-p 128,512 -n 0 -d 0,1024 -t 1,2 -r 3 -o json")
        self.assertEqual(" ".join(engines.start_tests(2).flags()),
                         "-p 1 -n 0 -d 0 -t 2 -r 1 --no-warmup -o json")

    def test_a_peer_must_be_a_program(self):
        for path in ("/no/such/program", str(DATA), str(DATA / "wattle.json")):
            with self.assertRaises(Failure):
                engines.peer(path)


class Roofline(unittest.TestCase):
    """Shares worked out from the cost of a model are those that wattle prints itself."""

    def cost(self):
        one, two = (roofline.ops_of_row(row.fields)
                    for row in rows.parse(recorded("wattle-cost.json"), "wattle"))
        printed = json.loads(recorded("wattle-cost.json"))
        return roofline.Cost(printed[0]["weight_bytes_per_token"], two - one, 2 * one - two)

    def test_shares_are_those_of_wattle_itself(self):
        for row in rows.parse(recorded("wattle.json"), "wattle"):
            peak = roofline.Peak(row.fields["read_bytes_per_s"], row.fields["int8_ops_per_s"])
            # wattle takes the mean of the times here and the mean of the speeds there.
            speed = (row.test.n_prompt + row.test.n_gen) / row.fields["avg_ns"] * 1e9
            _, of_int8 = roofline.shares(row.test, speed, self.cost(), peak)
            self.assertAlmostEqual(of_int8, row.fields["int8_share"], places=5)
            of_memory, _ = roofline.shares(row.test, row.fields["avg_ts"], self.cost(), peak)
            if row.test.n_prompt:
                self.assertIsNone(of_memory)
            else:
                self.assertAlmostEqual(of_memory, row.fields["bandwidth_share"], places=5)

    def test_a_prompt_has_one_head_and_each_generated_token_its_own(self):
        cost = roofline.Cost(1000, block_ops=100.0, head_ops=7.0)
        self.assertEqual(cost.int8_ops(test_of(n_prompt=5)), 507)
        self.assertEqual(cost.int8_ops(test_of(n_gen=5)), 535)

    def test_says_nothing_where_nothing_was_measured(self):
        cost = roofline.Cost(1000, 0.0, 0.0)  # weights that are no int8
        self.assertEqual(roofline.shares(test_of(n_gen=8), 5.0, cost, roofline.Peak(1e4, 1e9)),
                         (0.5, None))
        self.assertEqual(roofline.shares(test_of(n_gen=8), 5.0, cost, roofline.Peak()),
                         (None, None))


class Summary(unittest.TestCase):
    def samples(self):
        speeds = {"peer": (10.0, 20.0, 40.0), "wattle": (20.0, 60.0, 80.0)}
        return [summary.Sample(n, engine, "m", test_of(n_gen=8), speed, 1000 + n)
                for engine in speeds for n, speed in enumerate(speeds[engine])]

    def test_takes_medians_and_the_ratio_of_pairs(self):
        starts = [summary.Start(n, "peer", "m", 1, s) for n, s in enumerate((3.0, 1.0, 2.0))]
        ours, theirs = summary.lines(self.samples(), starts)
        self.assertEqual((ours.engine, ours.tokens_per_s, ours.ratio, ours.start_s),
                         ("wattle", 60.0, None, None))
        self.assertEqual((theirs.lowest, theirs.tokens_per_s, theirs.highest),
                         (10.0, 20.0, 40.0))
        self.assertEqual(theirs.peak_rss_bytes, 1001)
        self.assertEqual(theirs.start_s, 2.0)
        self.assertEqual(theirs.ratio, 2.0)  # of 2, 3, 2; the medians' ratio would be 3

    def test_pairs_only_what_ran_in_one_round(self):
        self.assertEqual(summary.ratios_of_pairs({0: 4.0, 2: 9.0}, {1: 1.0, 2: 3.0, 3: 1.0}),
                         [3.0])

    def test_has_no_ratio_where_a_peer_ran_alone(self):
        line, = summary.lines(self.samples()[:3], [])
        self.assertIsNone(line.ratio)

    def test_sorts_tests_and_keeps_models_in_turn(self):
        samples = [summary.Sample(0, "wattle", model, test, 1.0, 1) for model in ("z", "a")
                   for test in (test_of(n_gen=8), test_of(n_gen=8, n_depth=64), test_of(32))]
        self.assertEqual([(line.model, line.test.name) for line in summary.lines(samples, [])],
                         [(model, name) for model in ("z", "a")
                          for name in ("pp32", "tg8", "tg8 @ d64")])


class Table(unittest.TestCase):
    def test_is_markdown_that_can_be_read_as_it_is(self):
        self.assertEqual(
            table.markdown(("engine", "t/s"), [("wattle", "1234"), ("x", "")], left=("engine",)),
            "| engine |  t/s |\n"
            "|--------|-----:|\n"
            "| wattle | 1234 |\n"
            "| x      |      |\n")

    def test_gives_three_digits(self):
        self.assertEqual([table.speed(v) for v in (0.1234, 4.0, 9.996, 56.78, 123.4, 999.6,
                                                 12345.6)],
                         ["0.123", "4.00", "10.0", "56.8", "123", "1000", "12346"])
        self.assertEqual(table.seconds(0.0684), "68 ms")
        self.assertEqual(table.mebibytes(14.4 * 2**30), "14.4 GiB")


class Turns(unittest.TestCase):
    def rounds(self, n_least, n_most, budget_s, round_s):
        now = [0.0]
        n_rounds = 0
        for _ in turns.rounds(n_least, n_most, budget_s, lambda: now[0]):
            now[0] += round_s
            n_rounds += 1
        return n_rounds

    def test_stops_before_the_round_that_would_be_too_long(self):
        self.assertEqual(self.rounds(3, 9, 115, 20), 5)
        self.assertEqual(self.rounds(3, 9, 115, 1), 9)
        self.assertEqual(self.rounds(3, 9, 115, 1000), 3)

    def test_goes_back_and_forth(self):
        self.assertEqual([turns.in_order("ab", n) for n in (0, 1, 2)],
                         [["a", "b"], ["b", "a"], ["a", "b"]])


class Process(unittest.TestCase):
    def test_measures_the_memory_of_the_program(self):
        command = [sys.executable, "-ISc", "x = b'x' * 200_000_000; print('done')"]
        finished = process.run(command)
        self.assertEqual(finished.out, "done\n")
        self.assertGreater(finished.peak_rss_bytes, 200_000_000)
        self.assertLess(process.run(["true"]).peak_rss_bytes, 100_000_000)

    def test_says_how_a_program_failed(self):
        with self.assertRaises(Failure) as caught:
            process.run(["bash", "-c", "echo no such flag >&2; exit 3"])
        self.assertIn("bash failed with status 3", caught.exception.what)
        self.assertIn("| no such flag", caught.exception.what)
        with self.assertRaises(Failure) as caught:
            process.run(["bash", "-c", "kill -9 $$"])
        self.assertIn("memory", caught.exception.what)
        with self.assertRaises(Failure):
            process.run(["/no/such/program"])

    def test_ctrl_c_ends_the_engine_and_is_130(self):
        with tempfile.TemporaryDirectory() as folder:
            pid = pathlib.Path(folder, "pid")
            # The engine ignores the terminal's own signal, as some do: it has to be ended.
            engine = f"trap '' INT; echo $$ >{pid}.half; mv {pid}.half {pid}; exec sleep 30"
            script = ("from peers import process, say\n"
                      f"say.run_main(lambda: process.run(['bash', '-c', {engine!r}]))")
            child = subprocess.Popen([sys.executable, "-c", script], start_new_session=True,
                                     env=dict(os.environ, PYTHONPATH=str(SOURCE / "bench")))
            while not pid.exists():
                time.sleep(0.01)
            os.killpg(child.pid, signal.SIGINT)
            self.assertEqual(child.wait(timeout=10), 130)
            with self.assertRaises(ProcessLookupError):
                os.kill(int(pid.read_text()), 0)


# Prints what was recorded, by its flags.
FAKE_ENGINE = """#!/bin/bash
echo "$*" >>HOME/calls
case "$*" in
  *"-p 1,2 "*) cat DATA/wattle-cost.json ;;
  *"-p 1 "*) sed 's/"n_prompt": 2/"n_prompt": 1/' DATA/wattle-cost.json ;;
  *) cat DATA/NAME.json ;;
esac
"""


class Comparison(unittest.TestCase):
    def setUp(self):
        self.home = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.enterContext(contextlib.redirect_stderr(io.StringIO()))
        self.plan = comparison.Plan(self.home / "tiny.gguf", (32,), (8,))
        self.plan.model.write_bytes(b"x" * 1000)

    def program(self, name):
        path = self.home / name
        path.write_text(FAKE_ENGINE.replace("HOME", str(self.home)).replace("NAME", name)
                        .replace("DATA", str(DATA)))
        path.chmod(0o755)
        return path

    def run_with(self, *peers):
        return comparison.Comparison(self.program("wattle"), peers, 1)

    def test_runs_in_turns_and_prints_one_table(self):
        run = self.run_with(engines.peer(self.program("llama-bench"), "llama.cpp"))
        run.measure([self.plan], 2)
        calls = [line.split()[0] for line in (self.home / "calls").read_text().splitlines()
                 if "-p 32" in line]
        self.assertEqual(calls, ["bench", "-m", "-m", "bench"])

        text = run.markdown()
        self.assertRegex(text, r"\| tiny +\| +1 \| tg8 +\| wattle +\| +157 \|.*\| +52 % \|")
        self.assertRegex(text, r"\| tiny +\| +1 \| tg8 +\| llama.cpp \| +76\.0 \|.* 2\.06 x \|")
        self.assertIn("medians of 2 in turns", text)

        saved = json.loads(run.save(self.home / "kept").read_text())
        self.assertEqual(len(saved["rows"]), 8)
        self.assertEqual({row["compared_as"] for row in saved["rows"]}, {"wattle", "llama.cpp"})
        self.assertEqual(len(saved["summary"]), 4)
        self.assertGreater(saved["summary"][1]["wattle_ratio"], 1)
        self.assertEqual([path.suffix for path in (self.home / "kept").iterdir()], [".json"])

    def test_leaves_out_a_peer_that_cannot_and_goes_on(self):
        run = self.run_with(engines.peer("/bin/false"),
                            engines.peer(self.program("llama-bench")))
        run.measure([self.plan], 2)
        document = run.document()
        self.assertEqual({line["engine"] for line in document["summary"]},
                         {"wattle", "llama-bench"})
        self.assertEqual(len(document["notes"]), 1)
        self.assertIn("false on tiny.gguf was left out: false failed with status 1",
                      run.markdown())

    def test_leaves_out_what_does_not_fit_into_memory(self):
        self.enterContext(mock.patch.object(comparison.machine, "memory_bytes", lambda: 1100))
        run = self.run_with(engines.peer(self.program("llama-bench")))
        run.measure([self.plan], 1)
        self.assertEqual({row["compared_as"] for row in run.document()["rows"]}, {"wattle"})

        self.enterContext(mock.patch.object(comparison.machine, "memory_bytes", lambda: 900))
        run = self.run_with()
        run.measure([self.plan], 1)
        self.assertFalse(run.has_rows())

    def test_our_own_failure_is_the_end(self):
        run = self.run_with()
        run.measure([self.plan], 1)
        self.program("wattle").write_text("#!/bin/bash\nexit 1\n")
        with self.assertRaises(Failure):
            run.measure([self.plan], 1)

    def test_programs_of_one_name_are_told_apart(self):
        peers = [engines.peer("/bin/true"), engines.peer("/bin/false"), engines.peer("/bin/true")]
        self.assertEqual([engine.name for engine in engines.with_names_apart(peers)],
                         ["true", "false", "true (2)"])


class Divergence(unittest.TestCase):
    def test_reads_both_engines_alike(self):
        ours = divergence.parse(recorded("wattle-perplexity.json"), "wattle")
        theirs = divergence.parse(recorded("llama-perplexity.txt"), "llama-perplexity")
        self.assertEqual(ours, divergence.Divergence(0.0026641505635102004,
                                                       0.00012287206848061495,
                                                       0.9607843137254902))
        self.assertEqual(theirs, divergence.Divergence(0.002475, 0.00011, 0.96863))
        self.assertEqual(table.divergence(theirs), "0.00248 ± 0.00011")

    def test_refuses_what_is_no_divergence(self):
        for text in ("", '{"perplexity": 12.0}', "Final estimate: PPL = 12.0 +/- 0.3"):
            with self.assertRaises(Failure, msg=text):
                divergence.parse(text, "x")

    def test_finds_the_program_beside_a_peer(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(engines.peer("/bin/true").perplexity, ())
            for name in ("llama-bench", "llama-perplexity"):
                program = pathlib.Path(folder, name)
                program.write_text("#!/bin/bash\ncat " + str(DATA / "llama-perplexity.txt"))
                program.chmod(0o755)
            peer = engines.peer(pathlib.Path(folder, "llama-bench"))
            found = divergence.of_engine(peer, "tiny.gguf", "logits.kld", 1)
            self.assertEqual(found.kl, divergence.parse(recorded("llama-perplexity.txt"), "x").kl)

    def test_makes_the_copy_and_its_logits_and_deletes_both(self):
        with tempfile.TemporaryDirectory() as folder:
            home = pathlib.Path(folder)
            tool = home / "tool"  # writes the file that is its last or last but two argument
            tool.write_text('#!/bin/bash\necho "$@" >>"${0%/*}/calls"\n'
                            'if [[ $1 == perplexity ]]; then : >"${@: -1}"; else : >"$3"; fi\n')
            tool.chmod(0o755)
            copies = divergence.FloatCopies(home / "scratch", tool, tool, "text.txt", 2, 1)
            with copies.logits(pathlib.Path("tiny.gguf"), 100) as logits:
                self.assertEqual([path.name for path in logits.parent.iterdir()], ["logits.kld"])
            self.assertEqual(list((home / "scratch").iterdir()), [])
            first, second = (home / "calls").read_text().splitlines()
            self.assertRegex(first, r"^--allow-requantize tiny.gguf \S+/f32.gguf F32 1$")
            self.assertIn("--chunks 2", second)
            with self.assertRaises(Failure) as caught, copies.logits(tool, 10**15):
                pass
            self.assertIn("in F32 takes 4000000.", caught.exception.what)


FAKE_SYNTH = """#!/bin/bash
if [[ $2 == --list ]]; then
  echo '[{"name": "small", "weight_bytes": 100}, {"name": "large", "weight_bytes": 2000}]'
else
  echo "$*" >"${@: -1}"
fi
"""


class Synth(unittest.TestCase):
    def setUp(self):
        self.home = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.enterContext(contextlib.redirect_stderr(io.StringIO()))
        self.enterContext(mock.patch.dict(os.environ, XDG_CACHE_HOME=str(self.home)))
        self.program = self.home / "program"
        self.program.write_text(FAKE_SYNTH)
        self.program.chmod(0o755)

    def test_makes_a_file_and_deletes_it(self):
        shape = synth.shape("small:q8_0", self.program)
        with synth.file(shape, self.program, keep=False) as path:
            self.assertEqual(path, self.home / "wattle" / "synth" / "small-q8_0.gguf")
            self.assertEqual(path.read_text(), f"synth small --type q8_0 -o {path}\n")
        self.assertFalse(path.exists())

    def test_deletes_it_where_the_measurement_is_interrupted(self):
        shape = synth.shape("small", self.program)
        with self.assertRaises(SystemExit), synth.file(shape, self.program, keep=False) as path:
            raise SystemExit(130)
        self.assertFalse(path.exists())

    def test_keeps_what_it_is_told_to_and_what_was_there(self):
        shape = synth.shape("small", self.program)
        with synth.file(shape, self.program, keep=True) as path:
            path.write_text("made before")
        with synth.file(shape, self.program, keep=False) as path:
            self.assertEqual(path.read_text(), "made before")
        self.assertTrue(path.exists())

    def test_names_the_shapes_there_are(self):
        with self.assertRaises(Failure) as caught:
            synth.shape("huge", self.program)
        self.assertIn("small, large", caught.exception.hint)

    def test_checks_the_disk_for_the_largest_or_for_all(self):
        shapes = [synth.shape("small", self.program), synth.shape("large", self.program)]
        free = types.SimpleNamespace(free=synth.SPARE_BYTES + 2050)
        self.enterContext(mock.patch.object(synth.shutil, "disk_usage", lambda path: free))
        synth.check_disk(shapes, together=False)
        with self.assertRaises(Failure):
            synth.check_disk(shapes, together=True)
        synth.make(shapes[0], self.program)
        synth.check_disk(shapes, together=True)


class LlamaCpp(unittest.TestCase):
    def package(self, folder, member):
        path = pathlib.Path(folder, "package.tgz")
        with tarfile.open(path, "w:gz") as archive:
            entry = tarfile.TarInfo(member)
            entry.size = 6
            archive.addfile(entry, io.BytesIO(b"bundle"))
        return path, base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()

    def test_takes_the_bundle_out_of_the_package(self):
        with tempfile.TemporaryDirectory() as folder:
            path, sha512 = self.package(folder, llama_cpp.MEMBER)
            bundle = pathlib.Path(folder, "bundle")
            llama_cpp.unpack(path, sha512, bundle)
            self.assertEqual(bundle.read_bytes(), b"bundle")

    def test_refuses_another_package(self):
        with tempfile.TemporaryDirectory() as folder:
            path, sha512 = self.package(folder, "package/readme")
            bundle = pathlib.Path(folder, "bundle")
            with self.assertRaises(Failure) as caught:
                llama_cpp.unpack(path, llama_cpp.SHA512, bundle)
            self.assertIn(f"sha512 is {sha512}, expected {llama_cpp.SHA512}",
                          caught.exception.what)
            with self.assertRaises(Failure) as caught:
                llama_cpp.unpack(path, sha512, bundle)
            self.assertIn("has no file package/llama/gitRelease.bundle", caught.exception.what)
            self.assertFalse(bundle.exists())

    def test_asks_the_registry_that_is_set(self):
        self.assertEqual(llama_cpp.registry({"npm_config_registry": "http://here/"}),
                         "http://here/")
        self.assertEqual(llama_cpp.registry({"PATH": "/nowhere"}), "https://registry.npmjs.org/")

    def test_names_the_cache_folder(self):
        self.assertEqual(str(llama_cpp.cache_folder({"HOME": "/h"})),
                         "/h/.cache/wattle/llama.cpp-v0.5.0")
        self.assertEqual(str(llama_cpp.cache_folder({"HOME": "/h", "XDG_CACHE_HOME": "/c"})),
                         "/c/wattle/llama.cpp-v0.5.0")
        with self.assertRaises(Failure):
            llama_cpp.cache_folder({})


class Arguments(unittest.TestCase):
    def dev_bench(self, *args):
        done = subprocess.run([SOURCE / "dev", "bench", *args], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=30, check=False)
        return done.returncode, done.stdout, done.stderr

    def test_refuses_what_it_does_not_know_and_names_the_help(self):
        for args in (["--fast"], ["--quick", "smollm2"], ["-t", "0"], ["-m", "/no/such/file"]):
            status, _, said = self.dev_bench(*args)
            self.assertEqual(status, 2, args)
            self.assertIn("./dev bench --help", said, args)

    def test_help_needs_nothing(self):
        status, out, _ = self.dev_bench("--help")
        self.assertEqual(status, 0)
        self.assertIn("--quick", out)


if __name__ == "__main__":
    unittest.main()
