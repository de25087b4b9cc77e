# SPDX-License-Identifier: Apache-2.0
"""The counts that are kept in the repository."""

import dataclasses
import json
import pathlib

from peers import saved
from peers.say import Failure

FILE = pathlib.Path(__file__).resolve().with_name("recorded.json")


@dataclasses.dataclass(frozen=True)
class Counts:
    compiler: str  # and its version: another one makes other instructions
    calls: dict    # kernel, such as "matvec q4_0" -> instructions of one call


def read(file=FILE):
    """Set -> Counts."""
    try:
        return {name: Counts(fields["compiler"], dict(fields["calls"]))
                for name, fields in json.loads(file.read_text()).items()}
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise Failure(f"{file} is no record of counts ({error})",
                      f"git checkout {file} brings back the one of the last commit") from None


def write(counts, file=FILE):
    saved.replace(file, json.dumps({name: dataclasses.asdict(found)
                                    for name, found in counts.items()}, indent=2) + "\n")
