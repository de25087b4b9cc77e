#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What bench/peers runs, with scripts in the place of engines, tools and packages."""

import base64
import contextlib
import hashlib
import io
import json
import os
import pathlib
import signal
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
from peers import arguments, comparison, curves, divergence, engines, ik_bench  # noqa: E402
from peers import ik_llama_cpp, llama_cpp  # noqa: E402
from peers import process, quality, report, requantised, roofline  # noqa: E402
from peers import scratch, synth, table, tree  # noqa: E402
from peers.plan import Plan  # noqa: E402
from peers.say import Failure  # noqa: E402


def recorded(name):
    return (DATA / name).read_text()


WAIT_LONG = ("import os, pathlib, time; pathlib.Path(\"pid\").write_text(str(os.getpid())); "
             "time.sleep(60)")


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

    def runs(self, pid):
        try:
            state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            return state != "Z"
        except FileNotFoundError:
            return False

    def interrupt(self, engine, number, patience_s=30):
        """The exit status, and the files that are left. The engine, in bash, is interrupted when it
        waits in the function `wait_long`."""
        with tempfile.TemporaryDirectory() as folder:
            pid = pathlib.Path(folder, "pid")
            # Not bash and `exec sleep`: a SIGINT that comes in between is lost.
            functions = f"cd {folder}; wait_long() {{ {sys.executable} -ISc '{WAIT_LONG}'; }}; "
            script = ("from peers import process, say\n"
                      f"process.PATIENCE_S = {patience_s}\n"
                      f"say.run_main(lambda: process.run(['bash', '-c', {functions + engine!r}]))")
            child = subprocess.Popen([sys.executable, "-c", script], start_new_session=True,
                                     env=dict(os.environ, PYTHONPATH=str(SOURCE / "bench")))
            while not (pid.exists() and pid.read_text()):
                time.sleep(0.01)
            os.killpg(child.pid, number)
            status = child.wait(timeout=30)
            while self.runs(int(pid.read_text())):  # signals arrive, but not at once
                time.sleep(0.01)
            return status, sorted(os.listdir(folder))

    def test_ctrl_c_is_130_and_the_engine_cleans_up_once(self):
        engine = "trap 'echo >>cleaned_$((++n)); exit 130' INT; wait_long"
        self.assertEqual(self.interrupt(engine, signal.SIGINT), (130, ["cleaned_1", "pid"]))
        self.assertEqual(self.interrupt(engine, signal.SIGTERM), (143, ["cleaned_1", "pid"]))
        self.assertEqual(self.interrupt(engine, signal.SIGHUP), (129, ["cleaned_1", "pid"]))

    def test_ends_an_engine_that_ignores_ctrl_c_and_what_it_started(self):
        self.assertEqual(self.interrupt("trap '' INT; wait_long; true", signal.SIGINT, 0.1),
                         (130, ["pid"]))


class Main(unittest.TestCase):
    def run_main(self, body, **settings):
        return subprocess.run([sys.executable, "-c", f"from peers import say, saved\n{body}"],
                              env=dict(os.environ, PYTHONPATH=str(SOURCE / "bench")),
                              stderr=subprocess.PIPE, text=True, timeout=30, check=False,
                              **settings)

    def test_names_the_file_that_could_not_be_written(self):
        done = self.run_main("raise SystemExit(say.run_main(lambda: open('/no/such/file')))")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "bench: /no/such/file: No such file or directory\n")

    def test_says_nothing_where_the_reader_of_the_table_has_gone(self):
        read, write = os.pipe()
        os.close(read)
        with open(write, "wb") as out:
            done = self.run_main("raise SystemExit(say.run_main(lambda: print('a table')))",
                                 stdout=out)
        self.assertEqual((done.returncode, done.stderr), (1, ""))

    def test_a_second_signal_does_not_stop_the_cleaning_up(self):
        done = self.run_main("""
import os, signal
def main():
    try:
        os.kill(os.getpid(), signal.SIGINT)
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        say.say('cleaned up')
say.run_main(main)""")
        self.assertEqual((done.returncode, done.stderr), (130, "bench: cleaned up\n"))

    def test_says_that_there_is_no_place_for_a_table(self):
        done = subprocess.run(["bash", "-c", f"exec {sys.executable} -c 'from peers import say; "
                               "raise SystemExit(say.run_main(lambda: print(1)))' >&-"],
                              env=dict(os.environ, PYTHONPATH=str(SOURCE / "bench")),
                              stderr=subprocess.PIPE, text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr,
                         "bench: standard output is closed: there is no place for a table\n")

    def test_nohup_stays_in_force(self):
        done = self.run_main("""
import os, signal
signal.signal(signal.SIGHUP, signal.SIG_IGN)
say.run_main(lambda: os.kill(os.getpid(), signal.SIGHUP))""")
        self.assertEqual((done.returncode, done.stderr), (0, ""))


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
        self.plan = Plan(self.home / "tiny.gguf", (32,), (8,), (0,))
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
        calls = (self.home / "calls").read_text().splitlines()
        self.assertEqual([call.split()[0] for call in calls if "-p 32" in call],
                         ["bench", "-m", "-m", "bench"])
        # The roofline before the rounds and after each.
        self.assertEqual(len([call for call in calls if call.startswith("bench -q")
                              and "-p 1 " in call]), 3)

        text = report.markdown(run.results)
        self.assertRegex(text, r"\| tiny +\| +1 \| tg8 +\| wattle +\| +157 \|.*\| +52 % \|")
        self.assertRegex(text, r"\| tiny +\| +1 \| tg8 +\| llama.cpp \| +76\.0 \|.* 2\.06 x \|")
        self.assertIn("medians of 2 rounds in turns", text)

        saved = json.loads(report.save(run.results, self.home / "kept")[0].read_text())
        self.assertEqual(len(saved["rows"]), 8)
        self.assertEqual({row["compared_as"] for row in saved["rows"]}, {"wattle", "llama.cpp"})
        self.assertEqual(len(saved["summary"]), 4)
        self.assertGreater(saved["summary"][1]["wattle_ratio"], 1)
        self.assertEqual([path.suffix for path in (self.home / "kept").iterdir()], [".json"])

    def test_leaves_out_a_peer_that_cannot_and_goes_on(self):
        run = self.run_with(engines.peer("/bin/false"),
                            engines.peer(self.program("llama-bench")))
        run.measure([self.plan], 2)
        self.assertEqual({sample.engine for sample in run.results.samples},
                         {"wattle", "llama-bench"})
        self.assertEqual(len(run.results.notes), 1)
        self.assertIn("\nfalse on tiny.gguf was left out: false failed with status 1.\n",
                      report.markdown(run.results))

    def test_says_how_much_of_a_peer_there_is_that_fails_later(self):
        # Two runs of a round: a start, then the tests.
        peer = self.program("llama-bench")
        works = peer.read_text()
        peer.write_text(works.replace("\n", f"""
n=$(($(cat {self.home}/n 2>/dev/null || echo 0) + 1))
echo $n > {self.home}/n
((n <= 2)) || exit 1
""", 1))
        run = self.run_with(engines.peer(peer))
        run.measure([self.plan], 3)
        rounds = [sample.n_round for sample in run.results.samples
                  if sample.engine == "llama-bench"]
        self.assertEqual(set(rounds), {0})
        self.assertEqual(run.results.notes, ["llama-bench on tiny.gguf has 1 of the rounds alone: "
                                             "llama-bench failed with status 1."])

        (self.home / "n").write_text("0")
        run = self.run_with(engines.peer(peer))
        run.measure([self.plan], 1)
        run.measure_curves(self.plan.model)
        self.assertEqual(run.results.notes, ["llama-bench on tiny.gguf has no whole curve: "
                                             "llama-bench failed with status 1."])

    def test_a_note_ends_in_what_the_program_said_last(self):
        with self.assertRaises(Failure) as caught:
            process.run(["bash", "-c", "printf 'loading\nno such type\n\n' >&2; exit 1"])
        self.assertEqual(comparison.in_one_line(caught.exception.what),
                         "bash failed with status 1: no such type.")

    def test_leaves_out_what_does_not_fit_into_memory(self):
        self.enterContext(mock.patch.object(comparison.machine, "memory_bytes", lambda: 1100))
        run = self.run_with(engines.peer(self.program("llama-bench")))
        run.measure([self.plan], 1)
        self.assertEqual({row["compared_as"] for row in run.results.rows}, {"wattle"})

        self.enterContext(mock.patch.object(comparison.machine, "memory_bytes", lambda: 900))
        run = self.run_with()
        run.measure([self.plan], 1)
        self.assertEqual(run.results.rows, [])

    def test_draws_what_was_measured_for_the_plot_and_keeps_it_out_of_the_table(self):
        run = self.run_with(engines.peer(self.program("llama-bench")))
        run.measure([self.plan], 1)
        before = report.markdown(run.results)
        run.measure_curves(self.plan.model)
        self.assertEqual(report.markdown(run.results), before)
        table_and_rows, picture = report.save(run.results, self.home / "kept")
        self.assertTrue(any(row.get("for_plot")
                            for row in json.loads(table_and_rows.read_text())["rows"]))
        self.assertIn("tiny: generation", picture.read_text())
        asked = [line for line in (self.home / "calls").read_text().splitlines()
                 if "4096" in line or "256" in line]
        self.assertEqual(len(asked), 2 * 2 * curves.N_ROUNDS)

    def test_a_peer_with_other_threads_has_no_shares(self):
        peer = self.program("llama-bench")
        peer.write_text("#!/bin/bash\nsed 's/\"n_threads\": 1,/\"n_threads\": 8,/' "
                        f"{DATA}/llama-bench.json\n")
        run = self.run_with(engines.peer(peer, "llama.cpp"))
        run.measure([self.plan], 1)
        self.assertRegex(report.markdown(run.results), r"\| tiny +\| +8 \| tg8 +\| llama.cpp \|")

    def test_our_own_failure_is_the_end(self):
        run = self.run_with()
        run.measure([self.plan], 1)
        works = (self.home / "wattle").read_text()
        (self.home / "wattle").write_text(
            works.replace("\n", '\n[[ $* != *"-p 32 "* ]] || exit 1\n', 1))
        with self.assertRaises(Failure) as caught:
            run.measure([self.plan], 1)
        self.assertIn("wattle failed with status 1", caught.exception.what)

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
            self.assertEqual([path.name for path in (home / "scratch").iterdir()], [".lock"])
            first, second = (home / "calls").read_text().splitlines()
            self.assertRegex(first, r"^--allow-requantize tiny.gguf \S+/f32.gguf F32 1$")
            self.assertIn("--chunks 2", second)
            with self.assertRaises(Failure) as caught, copies.logits(tool, 10**15):
                pass
            self.assertIn("in F32 takes 4000000.", caught.exception.what)


class Requantised(unittest.TestCase):
    def test_makes_a_copy_and_deletes_it(self):
        home = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.enterContext(mock.patch.object(tree, "MEASURED", home / "bench"))
        tool = home / "quantize"
        tool.write_text('#!/bin/bash\necho "$*" >"${@: -3:1}"\n')
        tool.chmod(0o755)
        with requantised.file(pathlib.Path("tiny.gguf"), "MXFP4", tool, 2) as path:
            self.assertEqual(path.name, "tiny-MXFP4.gguf")
            self.assertEqual(path.read_text(), "--allow-requantize --tensor-type ffn=mxfp4 "
                             f"tiny.gguf {path} Q8_0 2\n")
        self.assertEqual(list((home / "bench").iterdir()), [])


class Quality(unittest.TestCase):
    """The tool is llama-quantize, wattle and llama-perplexity at once: it does not know Q4_1."""

    def setUp(self):
        self.home = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.enterContext(mock.patch.object(tree, "MEASURED", self.home / "bench"))
        self.enterContext(contextlib.redirect_stderr(io.StringIO()))
        cost = roofline.Cost(1000, 1.0, 1.0, n_params=100)
        self.enterContext(mock.patch.object(roofline, "cost_of", lambda program, model: cost))
        tool = self.home / "tool"
        tool.write_text(f"""#!/bin/bash
case "$*" in
  *" Q4_1 "*) echo no such type >&2; exit 1 ;;
  --allow-requantize*) : >"${{@: -3:1}}" ;;
  "perplexity --json"*) cat {DATA}/wattle-perplexity.json ;;
  perplexity*) : >"${{@: -1}}" ;;
  *) cat {DATA}/llama-perplexity.txt ;;
esac
""")
        tool.chmod(0o755)
        copies = divergence.FloatCopies(self.home / "copies", tool, tool, "text.txt", 1, 1)
        self.quality = quality.Quality(
            engines.Engine("wattle", (tool,), perplexity=(tool, "perplexity", "--json")),
            engines.Engine("llama.cpp", (tool,), perplexity=(tool,)), tool, copies, 1)

    def test_goes_on_without_a_type_that_cannot_be_made(self):
        self.quality.measure([pathlib.Path("tiny.gguf")], ["Q4_0", "Q4_1", "Q8_0"])
        self.assertEqual([row.type for row in self.quality.rows], ["Q4_0", "Q8_0"])
        self.assertIn("| tiny  | Q4_0 | 0.00266 ± 0.00012 | 0.00248 ± 0.00011 |  1.08 |           "
                      "96.1 % |              96.9 % |", self.quality.markdown())
        self.assertEqual(list((self.home / "bench").iterdir()), [])

    def test_keeps_the_rows_there_are(self):
        self.quality.measure([pathlib.Path("tiny.gguf")], ["Q4_0"])
        kept = json.loads(self.quality.save(self.home / "kept").read_text())
        self.assertEqual([(row["model"], row["type"]) for row in kept], [("tiny", "Q4_0")])
        self.assertAlmostEqual(kept[0]["ratio"], 0.00266415 / 0.002475, places=6)


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

    def test_leaves_out_what_does_not_fit_into_memory(self):
        shapes = [synth.shape("small", self.program), synth.shape("large", self.program)]
        self.enterContext(mock.patch.object(synth.machine, "memory_bytes", lambda: 2050))
        fit, notes = synth.fitting(shapes, 1.05)
        self.assertEqual(fit, shapes[:1])
        self.assertEqual(len(notes), 1)
        self.assertIn("large-q4_0.gguf was left out", notes[0])
        self.assertEqual(synth.fitting(shapes, 1.0), (shapes, []))

    def test_checks_the_disk_for_the_largest_or_for_all(self):
        shapes = [synth.shape("small", self.program), synth.shape("large", self.program)]
        free = types.SimpleNamespace(free=synth.SPARE_BYTES + 2050)
        self.enterContext(mock.patch.object(synth.shutil, "disk_usage", lambda path: free))
        synth.check_disk(shapes, together=False)
        with self.assertRaises(Failure):
            synth.check_disk(shapes, together=True)
        synth.make(shapes[0], self.program)
        synth.check_disk(shapes, together=True)


class Scratch(unittest.TestCase):
    def test_is_gone_afterwards_and_so_is_what_was_left_before(self):
        with tempfile.TemporaryDirectory() as home:
            left = pathlib.Path(home, ".half.name")
            left.mkdir()
            (left / "old").write_text("x")
            with scratch.folder(pathlib.Path(home), "name") as folder:
                self.assertEqual(list(folder.iterdir()), [])
                (folder / "new").write_text("x")
            self.assertEqual(os.listdir(home), [])


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
        self.assertEqual(str(tree.cache({"HOME": "/h"})), "/h/.cache/wattle")
        self.assertEqual(str(tree.cache({"HOME": "/h", "XDG_CACHE_HOME": "/c"})), "/c/wattle")
        with self.assertRaises(Failure):
            tree.cache({})


class IkLlamaCpp(unittest.TestCase):
    def test_takes_the_source_out_of_the_package(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "package.tar.gz")
            with tarfile.open(path, "w:gz") as archive:
                for name in (ik_llama_cpp.MEMBERS + "common/build-info.cpp.in",
                             "other/CMakeLists.txt"):
                    entry = tarfile.TarInfo(name)
                    entry.size = len(name)
                    archive.addfile(entry, io.BytesIO(name.encode()))
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            source = pathlib.Path(folder, "source")
            with self.assertRaises(Failure) as caught:
                ik_llama_cpp.unpack(path, ik_llama_cpp.SHA256, source)
            self.assertIn(f"sha256 is {sha256}, expected {ik_llama_cpp.SHA256}",
                          caught.exception.what)
            self.assertFalse(source.exists())
            ik_llama_cpp.unpack(path, sha256, source)
            self.assertEqual(
                sorted(str(file.relative_to(source)) for file in source.rglob("*.*")),
                ["common/build-info.cpp.in", "common/cmake/build-info-gen-cpp.cmake"])

    def settings(self, *flags):
        return ik_bench.parse(["--program", "P", "-m", "M", *flags])

    def test_asks_for_tests_in_the_flags_of_that_program(self):
        settings = self.settings("-p", "512", "-n", "64,128", "-d", "0,2048", "-t", "1,2", "-r", "1",
                                 "--no-warmup", "-o", "json")
        begin = ["P", "-m", "M", "-r", "1", "-o", "json", "-t", "1,2", "-w", "0"]
        self.assertEqual(ik_bench.command(settings, 0), [*begin, "-p", "512", "-n", "64,128"])
        self.assertEqual(ik_bench.command(settings, 2048), [
            *begin, "-p", "0", "-n", "0", "-gp", "2048,64", "-gp", "2048,128"])
        repacked = self.settings("--repack")
        self.assertEqual(ik_bench.command(repacked, 0), [
            "P", "-m", "M", "-r", "5", "-o", "json", "-t", "1", "-w", "1", "-rtr", "1",
            "-p", "512", "-n", "128"])

    def test_reads_rows_between_other_lines(self):
        self.assertEqual(ik_bench.rows_of('[\nllm_scale: n = 2816\n  {\n    "n_gen": 0\n  }\n]\n'),
                         [{"n_gen": 0}])

    def test_names_the_depth_of_a_generation(self):
        self.assertEqual(ik_bench.with_depth({"n_prompt": 2048, "n_gen": 64}, 2048),
                         {"n_prompt": 0, "n_gen": 64, "n_depth": 2048})
        self.assertEqual(ik_bench.with_depth({"n_prompt": 512, "n_gen": 0}, 0),
                         {"n_prompt": 512, "n_gen": 0, "n_depth": 0})


class Arguments(unittest.TestCase):
    def dev_bench(self, *args):
        done = subprocess.run([SOURCE / "dev", "bench", *args], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=30, check=False)
        return done.returncode, done.stdout, done.stderr

    def test_refuses_what_it_does_not_know_and_names_the_help(self):
        for args in (["--quick", "smollm2"], ["-m", "/no/such/file"]):
            status, _, said = self.dev_bench(*args)
            self.assertEqual(status, 2, args)
            self.assertIn("./dev bench --help", said, args)

    def test_quality_refuses_a_type_it_does_not_know(self):
        done = subprocess.run([SOURCE / "bench" / "quality", "--type", "q9"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=30, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("bench/quality --help", done.stderr)

    def test_refuses_two_models_of_one_name(self):
        with self.assertRaises(Failure) as caught:
            arguments.need_names_apart([pathlib.Path("a/tiny.gguf"), pathlib.Path("b/tiny.gguf")])
        self.assertIn("tiny.gguf", caught.exception.what)
        arguments.need_names_apart([pathlib.Path("a/tiny.gguf"), pathlib.Path("a/small.gguf")])

    def test_help_needs_nothing(self):
        status, out, _ = self.dev_bench("--help")
        self.assertEqual(status, 0)
        self.assertIn("--quick", out)


if __name__ == "__main__":
    unittest.main()
