# SPDX-License-Identifier: Apache-2.0
"""The results of a comparison as a table, as JSON and as files."""

import dataclasses
import json

from peers import commit, curves, machine, plot, roofline, saved, summary, table

HEAD = ("model", "threads", "test", "engine", "tokens/s", "lowest - highest", "wattle is",
        "of memory", "of int8", "peak RSS", "start", "KL divergence")


def lines(results):
    """(line, its share of memory, its share of int8)"""
    for line in summary.lines(results.samples, results.starts):
        yield line, *roofline.shares(line.test, line.tokens_per_s, results.costs[line.model],
                                     results.peaks.get(line.test.n_threads,
                                                       roofline.Peak()))


def markdown(results):
    rows = [(line.model.removesuffix(".gguf"), str(line.test.n_threads), line.test.name,
             line.engine, table.speed(line.tokens_per_s),
             f"{table.speed(line.lowest)} - {table.speed(line.highest)}",
             "" if line.ratio is None else f"{line.ratio:.2f} x",
             table.percent(of_memory), table.percent(of_int8),
             table.mebibytes(line.peak_rss_bytes), table.seconds(line.start_s),
             table.divergence(results.divergences.get((line.engine, line.model))))
            for line, of_memory, of_int8 in lines(results)]
    built = commit.of_tree()
    return (f"{machine.processor_name()}, {machine.n_processors()} processors; "
            + (f"wattle at {built}; " if built else "") +
            f"medians of {results.n_rounds} rounds in turns\n"
            f"{roofline.text(results.peaks)}\n\n"
            + table.markdown(HEAD, rows, left=("model", "test", "engine"))
            + "".join(f"\n{note}\n" for note in results.notes))


def as_json(results):
    summed = [{"model": line.model, "engine": line.engine, "name": line.test.name,
               **dataclasses.asdict(line.test), "tokens_per_s": line.tokens_per_s,
               "lowest": line.lowest, "highest": line.highest, "wattle_ratio": line.ratio,
               "memory_share": of_memory, "int8_share": of_int8,
               "peak_rss_bytes": int(line.peak_rss_bytes), "start_s": line.start_s}
              for line, of_memory, of_int8 in lines(results)]
    document = {
        "time": results.began.isoformat(timespec="seconds"),
        "processor": machine.processor_name(),
        "n_processors": machine.n_processors(),
        "commit": commit.of_tree(),
        "busy_share_before": results.busy_share,
        "n_rounds": results.n_rounds,
        "roofline": {n: dataclasses.asdict(peak) for n, peak in sorted(results.peaks.items())},
        "engines": {engine.name: " ".join(engine.command) for engine in results.engines},
        "notes": results.notes,
        "divergence": [{"engine": engine, "model": model, **dataclasses.asdict(found)}
                       for (engine, model), found in results.divergences.items()],
        "summary": summed,
        "rows": results.rows}
    return json.dumps(document, indent=1) + "\n"


def save(results, folder):
    """The paths of what was written: every run, and the plot where there are curves."""
    paths = [saved.write(folder, "peers", results.began, as_json(results))]
    if results.curves:
        picture = plot.svg(list(curves.panels(results.curves)))
        paths.append(saved.write(folder, "peers", results.began, picture, "svg"))
    return paths
