#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From recorded output of engines to the figures of the table and of the plot."""

import json
import pathlib
import statistics
import sys
import unittest
import xml.dom.minidom

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DATA = SOURCE / "tests" / "bench" / "data"
sys.path.insert(0, str(SOURCE / "bench"))
from peers import curves, engines, plot, roofline, rows, summary, table, turns  # noqa: E402
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
        cost = roofline.Cost(1000, block_ops=100.0, output_ops=7.0)
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

    def test_is_its_head_where_there_is_nothing(self):
        self.assertEqual(table.markdown(("a", "b"), []), "| a | b |\n|--:|--:|\n")

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


class Plot(unittest.TestCase):
    def samples(self):
        for engine, factor in (("peer <1>", 1.0), ("wattle", 2.0)):
            for n_round, noise in enumerate((0.5, 1.0, 1.1)):
                for depth in (0, 4096):
                    yield summary.Sample(n_round, engine, "m.gguf",
                                         test_of(n_gen=32, n_depth=depth),
                                         factor * noise * (100 if depth == 0 else 50), 1)
                for n_prompt in (1, 2, 512):
                    yield summary.Sample(n_round, engine, "m.gguf", test_of(n_prompt),
                                         factor * noise * 7 * n_prompt, 1)

    def test_points_are_medians_with_their_spread(self):
        generation, prompt = curves.panels(list(self.samples()))
        self.assertEqual(list(generation.series), ["wattle", "peer <1>"])
        self.assertEqual(generation.series["wattle"],
                         [plot.Point(0, 200.0, 100.0, 220.00000000000003),
                          plot.Point(4096, 100.0, 50.0, 110.00000000000001)])
        self.assertEqual([point.x for point in prompt.series["wattle"]], [1, 2, 512])
        self.assertFalse(generation.is_log)
        self.assertTrue(prompt.is_log)

    def test_is_well_formed_and_puts_points_where_they_belong(self):
        picture = xml.dom.minidom.parseString(plot.svg(list(curves.panels(list(self.samples())))))
        texts = [node.firstChild.data for node in picture.getElementsByTagName("text")]
        self.assertIn("peer <1>", texts)
        self.assertIn("m: generation", texts)
        lines = [[tuple(map(float, point.split(",")))
                  for point in node.getAttribute("points").split()]
                 for node in picture.getElementsByTagName("polyline")]
        self.assertEqual(len(lines), 4)
        (left, high), (right, low) = lines[0]
        self.assertEqual((left, right), (plot.LEFT, plot.WIDTH - plot.RIGHT))
        self.assertAlmostEqual(low - high, (plot.HEIGHT - plot.TOP - plot.BOTTOM) * 100 / 250)
        one, two, end = (x for x, _ in lines[2])
        self.assertAlmostEqual((end - one) / (two - one), 9, places=1)  # 9 doublings to 512

    def test_an_axis_has_round_steps(self):
        self.assertEqual([plot.nice_scale(y) for y in (100, 101, 1.0, 7.5, 2400)],
                         [(20, 100), (50, 150), (0.2, 1.0), (2, 8), (500, 2500)])

    def test_one_point_is_a_plot_too(self):
        panels = list(curves.panels(list(self.samples())[:1]))
        self.assertEqual(len(panels), 1)
        xml.dom.minidom.parseString(plot.svg(panels))


if __name__ == "__main__":
    unittest.main()
