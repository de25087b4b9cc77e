#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints which folder of src/ includes which, and fails on an edge that is not allowed.

Dependencies point down only: ALLOWED below is the house of docs/architecture.md as a table, bottom
first, and a folder may only name folders above its own row in the table. So an upward or mutual
edge cannot be allowed by accident.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# "api" is include/wattle without engine.h: plain types such as Error, TokenId, Message.
# "engine" is include/wattle/engine.h: what runtime implements and front ends use.
ALLOWED = {
    "api": [],
    "base": ["api"],
    "store": ["base", "api"],
    "tensor": ["base"],
    "gguf": ["tensor", "base", "api"],
    "quant": ["tensor", "base", "api"],
    "kernels": ["quant", "tensor", "base", "api"],
    "backend": ["tensor", "base", "api"],
    "backend/cpu": ["backend", "kernels", "quant", "tensor", "base", "api"],
    "backend/rknpu": ["backend", "kernels", "quant", "tensor", "base", "api"],
    "model": ["backend", "kernels", "gguf", "quant", "tensor", "base", "api"],
    "tokenizer": ["base", "api"],
    "chat": ["base", "api"],
    "sampling": ["base", "api"],
    "engine": ["api"],
    # Files of runtime with rows of their own. What these two make of a GGUF file needs no weights, so
    # the commands that look at one step use them too; what the next two say of memory, `doctor` says.
    "runtime/vocab_loader": ["tokenizer", "gguf", "base", "api"],
    "runtime/template_loader": ["tokenizer", "gguf", "base", "api"],
    "runtime/available_memory": ["base"],
    "runtime/memory_fit": ["model", "api"],
    # `show` prints the plan.
    "runtime/npu_placement": ["engine", "model", "backend/rknpu", "backend", "kernels", "gguf", "api"],
    "doctor": ["runtime/memory_fit", "runtime/available_memory", "model", "base", "api"],
    "runtime": ["runtime/npu_placement", "runtime/memory_fit", "runtime/available_memory", "runtime/template_loader",
                "runtime/vocab_loader", "engine", "sampling", "chat",
                "tokenizer", "model", "backend/rknpu", "backend/cpu", "backend", "kernels", "gguf",
                "tensor", "base", "api"],
    "c_api": ["engine", "api"],
    # tokenizer: a synthetic vocabulary is spelt in the byte alphabet.
    "measure": ["engine", "tokenizer", "gguf", "quant", "tensor", "base", "api"],
    # model: `show` reads hyperparameters and counts the cache.
    # backend/rknpu: `npu` writes and reads its command lists.
    "cli": ["measure", "doctor", "runtime/npu_placement", "backend/rknpu", "runtime/template_loader", "runtime/vocab_loader",
            "engine", "chat", "tokenizer", "model", "gguf", "kernels", "tensor", "store", "base", "api"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.MULTILINE)


def node_of(path):
    """The row of ALLOWED that a file belongs to, by its path below src/ or include/."""
    if path.rsplit(".", 1)[0] in ALLOWED:
        return path.rsplit(".", 1)[0]
    parts = path.split("/")
    if parts[0] == "wattle":
        return "engine" if parts[-1] == "engine.h" else "api"
    for depth in (2, 1):
        name = "/".join(parts[:depth])
        if len(parts) > depth and name in ALLOWED:
            return name
    return parts[0] if len(parts) > 1 else None


def source_files():
    for folder in ("src", "include"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".h", ".cpp", ".inc"):
                yield path, path.relative_to(ROOT / folder).as_posix()


def edges():
    """{(from, to): [(file, included)]} between different nodes."""
    ours = {name for _, name in source_files()}
    found = {}
    for path, name in source_files():
        for included in INCLUDE.findall(path.read_text(encoding="utf-8")):
            if included in ours and node_of(included) != node_of(name):
                edge = (node_of(name), node_of(included))
                found.setdefault(edge, []).append((name, included))
    return found


def table_errors():
    rows = list(ALLOWED)
    for row, uses in ALLOWED.items():
        for used in uses:
            if used not in ALLOWED:
                yield f"ALLOWED['{row}'] names '{used}', which is no row of the table"
            elif rows.index(used) >= rows.index(row):
                yield f"ALLOWED['{row}'] names '{used}', which is not below it"


def main():
    errors = list(table_errors())
    found = edges()
    for _, name in source_files():
        if node_of(name) not in ALLOWED:
            errors.append(f"{name}: its folder is no row of ALLOWED in tools/include_graph.py")
    for node in ALLOWED:
        targets = sorted((to for frm, to in found if frm == node), key=list(ALLOWED).index)
        print(f"{node:20} -> {' '.join(targets)}")
    for (frm, to), places in sorted(found.items()):
        if to not in ALLOWED.get(frm, []):
            for name, included in places:
                errors.append(f"{name}: includes {included}, but {frm} may not use {to}")
    for error in errors:
        print(f"include_graph: {error}", file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
