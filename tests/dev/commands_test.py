#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `./dev` does with its arguments, as far as that needs neither a build nor a network."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def run(*command, **env):
    done = subprocess.run(command, env=dict(os.environ, **env), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=30, check=False)
    return done.returncode, done.stdout, done.stderr


def model_in_args(*args):
    """The model that `./dev run ARGS` would fetch."""
    script = 'root=$1; shift; source "$root/tools/dev/fetch.sh"; model_in_args "$@"'
    status, out, err = run("bash", "-euo", "pipefail", "-c", script, "bash", str(SOURCE), *args)
    assert status == 0, err
    return out.strip()


class Commands(unittest.TestCase):
    def test_refuses_what_it_does_not_know_and_names_the_help(self):
        for args in (["tset"], ["test", "--everything"], ["build", "fast"], ["fuzz", "soon"],
                     ["fetch", "gpt"], ["fetch", "smollm2", "gemma3-270m"], ["format", "src"],
                     ["sanitize", "msan"], ["package", "riscv64"], ["package", "arm64", "amd64"],
                     ["test", "--all", "fast"], ["format", "--check", "src"],
                     ["sanitize", "tsan", "slow"], ["fuzz", "10", "gguf"], ["aarch64", "max"]):
            status, _, said = run(str(SOURCE / "dev"), *args)
            self.assertEqual(status, 2, args)
            self.assertIn("./dev help", said, args)

    def test_help_lists_every_command(self):
        status, out, _ = run(str(SOURCE / "dev"), "help")
        self.assertEqual(status, 0)
        handled = re.findall(r"^    ([a-z0-9]+)\)", (SOURCE / "dev").read_text(), re.MULTILINE)
        self.assertIn("run", handled)
        for command in handled:
            self.assertIn(f"./dev {command}", out)

    def test_golden_names_a_folder_that_is_not_there(self):
        status, _, said = run(str(SOURCE / "dev"), "golden", "/no/such/folder")
        self.assertEqual(status, 1)
        self.assertIn("no folder /no/such/folder", said)

    def test_says_what_to_install_where_there_is_no_apt(self):
        with tempfile.TemporaryDirectory() as folder:
            for tool in ("bash", "dirname", "readlink", "uname"):
                os.symlink(subprocess.check_output(["which", tool], text=True).strip(),
                           os.path.join(folder, tool))
            status, _, said = run(str(SOURCE / "dev"), "build", PATH=folder)
            self.assertEqual(status, 1)
            self.assertIn("no apt-get", said)
            self.assertIn("libfmt-dev", said)
            self.assertIn("WATTLE_SKIP_PACKAGES=1", said)


class ModelInArgs(unittest.TestCase):
    def test_fetches_the_default_model_where_none_is_named(self):
        self.assertEqual(model_in_args("Why is the sky blue?"), "smollm2")
        self.assertEqual(model_in_args(), "smollm2")
        self.assertEqual(model_in_args("-n", "5", "hi"), "smollm2")

    def test_fetches_a_model_that_it_knows_by_name(self):
        for args in (["-m", "gemma3-270m"], ["--model", "gemma3-270m"], ["--model=gemma3-270m"],
                     ["-mgemma3-270m"], ["hi", "-m", "gemma3-270m"]):
            self.assertEqual(model_in_args(*args), "gemma3-270m", args)

    def test_leaves_every_other_model_to_the_program(self):
        for args in (["-m", "stories"], ["-m", "my.gguf"], ["-m"], ["-m", ""],
                     ["-m", "smollm2 gemma3-270m"]):
            self.assertEqual(model_in_args(*args), "", args)

    def test_fetches_nothing_for_help(self):
        self.assertEqual(model_in_args("--help"), "")

    def test_takes_what_follows_two_dashes_as_the_prompt(self):
        self.assertEqual(model_in_args("--", "-m", "my.gguf"), "smollm2")


if __name__ == "__main__":
    unittest.main()
