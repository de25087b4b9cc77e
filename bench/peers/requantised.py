# SPDX-License-Identifier: Apache-2.0
"""A model in the other types of weights, as people make them: with llama-quantize."""

import contextlib

from peers import process, scratch, tree

# Name -> arguments. Where a row is no multiple of 256, K-quants fall back by the rules of
# llama-quantize.
TYPES = {
    **{name: (name,) for name in (
        "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K_M", "Q4_K_M", "Q5_K_M", "Q6_K",
        "IQ4_NL", "IQ4_XS", "F16", "BF16")},
    # Its own MXFP4_MOE has that type in experts alone.
    "MXFP4": ("--tensor-type", "ffn=mxfp4", "Q8_0")}


@contextlib.contextmanager
def file(model, name, quantize, n_threads):
    """The path of the copy, as long as it is needed. Of what was rounded before: the copy's own
    weights are what answers are held to, so that does not matter here."""
    *options, kind = TYPES[name]
    with scratch.folder(tree.MEASURED, "requantised") as half:
        path = half / f"{model.stem}-{name}.gguf"
        process.run([quantize, "--allow-requantize", *options, model, path, kind, n_threads])
        yield path
