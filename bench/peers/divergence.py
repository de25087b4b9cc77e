# SPDX-License-Identifier: Apache-2.0
"""How far the answers of an engine are from float arithmetic over the very weights of a file.

The file is copied with its weights as F32, which is exact; the logits of that copy are saved once,
and each engine, running the file itself as it does when it is timed, is held to them.
"""

import contextlib
import dataclasses
import json
import re
import shutil

from peers import llama_cpp, machine, process, scratch, tree
from peers.say import Failure

LOGITS_BYTES = 140_000_000  # for a piece of 512 tokens and the largest vocabularies, 262,144


@dataclasses.dataclass(frozen=True)
class Divergence:
    kl: float        # nats, mean over the tokens
    kl_error: float
    same_top: float  # how often both find the same token likeliest, 0 to 1


def parse(text, program):
    """What `wattle perplexity --json` or llama-perplexity have printed."""
    try:
        if text.lstrip().startswith("{"):
            printed = json.loads(text)
            return Divergence(printed["kl"], printed["kl_error"], printed["same_top"])
        number = r"\s*(-?[\d.]+)"
        kl = re.search(rf"^Mean +KLD:{number} *±{number}", text, re.M)
        same_top = re.search(rf"^Same top p:{number} *±", text, re.M)
        return Divergence(float(kl[1]), float(kl[2]), float(same_top[1]) / 100)
    except (ValueError, KeyError, TypeError) as error:
        last = " / ".join(text.strip().splitlines()[-2:]) or "nothing"
        raise Failure(f"{program} printed no KL divergence ({error})",
                      f"the last it printed: {last}") from None


def of_engine(engine, model, logits, n_threads):
    """Held to the saved logits; None where the engine has no program for that."""
    if not engine.perplexity:
        return None
    finished = process.run([*engine.perplexity, "-m", model, "-t", n_threads,
                            "--kl-divergence-base", logits, "--kl-divergence"])
    return parse(finished.out, engine.perplexity[0])


def float_copies(wattle, programs, n_pieces, n_threads, text=None):
    """With the programs of llama.cpp, over its own prose unless there is another text."""
    return FloatCopies(tree.cache() / "divergence", wattle, programs / "llama-quantize",
                       text or llama_cpp.folder() / llama_cpp.TEXT, n_pieces, n_threads)


class FloatCopies:
    """Logits in float arithmetic. llama-quantize makes the copy."""

    def __init__(self, folder, wattle, quantize, text, n_pieces, n_threads):
        self._folder = folder
        self._wattle = wattle
        self._quantize = quantize
        self._text = text
        self._n_pieces = n_pieces
        self._n_threads = str(n_threads)

    @contextlib.contextmanager
    def logits(self, model, n_params):
        """The path of the logits file of a model, as long as it is needed."""
        copy_bytes = 4 * n_params
        logits_bytes = self._n_pieces * LOGITS_BYTES
        self._folder.mkdir(parents=True, exist_ok=True)
        for what, needed, there in (
                ("disk", copy_bytes + logits_bytes, shutil.disk_usage(self._folder).free),
                ("memory", copy_bytes, machine.memory_bytes())):
            if needed > there:
                raise Failure(f"a copy of it in F32 takes {needed / 1e9:.1f} GB of {what}, "
                              f"{there / 1e9:.1f} GB are available")
        with machine.lock(self._folder / ".lock"), scratch.folder(self._folder, "copy") as half:
            copy = half / "f32.gguf"
            logits = half / "logits.kld"
            process.run([self._quantize, "--allow-requantize", model, copy, "F32",
                         self._n_threads])
            process.run([self._wattle, "perplexity", "-q", "-m", copy, "-f", self._text, "--kv",
                         "f32", "--chunks", self._n_pieces, "-t", self._n_threads,
                         "--kl-divergence-base", logits])
            copy.unlink()
            yield logits
