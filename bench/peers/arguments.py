# SPDX-License-Identifier: Apache-2.0
"""What the command lines of the benchmarks have in common."""

import argparse
import pathlib
import sys

from peers import machine
from peers.say import Failure, say


class Parser(argparse.ArgumentParser):
    def __init__(self, **settings):
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **settings)

    def error(self, message):
        say(message)
        print(f"       '{self.prog} --help' lists what there is", file=sys.stderr)
        raise SystemExit(2)


def add_threads(parser):
    parser.add_argument("-t", "--threads", type=positive, default=machine.n_processors(),
                        metavar="N", help="threads (default: every usable processor, here "
                        "%(default)s)")


def add_json(parser):
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")


def add_tests(parser):
    parser.add_argument("-p", "--n-prompt", type=counts, default=(512,), metavar="LIST",
                        help="tokens of a prompt (default 512; 0: none)")
    parser.add_argument("-n", "--n-gen", type=counts, default=(128,), metavar="LIST",
                        help="tokens to generate (default 128; 0: none)")
    parser.add_argument("-d", "--n-depth", type=counts, default=(0,), metavar="LIST",
                        help="tokens that are there before (default 0)")


def need_names_apart(paths):
    """All tables and records know a model by the name of its file."""
    names = [path.name for path in paths]
    for name in names:
        if names.count(name) > 1:
            raise Failure(f"two of the models are called {name}", "the table could not tell them "
                          "apart: measure one after the other")


def positive(text):
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected 1 to 1024")
    return int(text)


def file(text):
    path = pathlib.Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"found no file {text!r}, expected a GGUF file")
    return path


def counts(text):
    """A list such as 0,512,4096."""
    words = text.split(",")
    if not all(word.isdecimal() and int(word) <= 2**20 for word in words):
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a list such as 0,512,4096")
    return tuple(int(word) for word in words)


def ratio(text):
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 10:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a ratio such as 0.97")
    return value
