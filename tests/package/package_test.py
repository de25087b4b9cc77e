#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the Debian packages and looks at them; where root, debootstrap and a network are there, installs
them in a clean Debian, runs the program, and removes them again. The packages for 64-bit ARM are made
where the cross compiler is installed, and live in a clean Debian of that architecture where the kernel
starts its programs (qemu-user through binfmt_misc)."""

import pathlib
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import clean_root  # noqa: E402

SOURCE = pathlib.Path(__file__).resolve().parents[2]
STORIES = "/usr/share/wattle/models/stories-gemma4-moe.gguf"
ASK = ["run", "-m", STORIES, "--temp", "0", "-n", "16", "Once upon a time"]
TOLD = "there was a little girl named Lily. She loved to play outside"


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def make_packages(preset):
    """{package: path}, made anew."""
    build = SOURCE / "build" / preset
    for old in build.glob("*.deb"):
        old.unlink()
    launcher = ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
    run("cmake", "--preset", preset, *launcher, cwd=SOURCE)
    run("cmake", "--build", build)
    run("cpack", "--config", build / "CPackConfig.cmake", "-B", build)
    return {field(deb, "Package"): deb for deb in build.glob("*.deb")}


def field(deb, name):
    return run("dpkg-deb", "-f", deb, name).strip()


def files(deb):
    return [line.split(maxsplit=5)[5].removeprefix(".").split(" -> ")[0]
            for line in run("dpkg-deb", "-c", deb).splitlines()]


@unittest.skipUnless(shutil.which("dpkg-shlibdeps") and shutil.which("file"),
                     "packages need dpkg-dev and file")
class Amd64(unittest.TestCase):
    preset, architecture, triplet, processors = "package", None, None, [None]

    @classmethod
    def setUpClass(cls):
        cls.architecture = run("dpkg", "--print-architecture").strip()
        cls.triplet = run("dpkg-architecture", "-qDEB_HOST_MULTIARCH").strip()
        cls.debs = make_packages(cls.preset)

    def test_there_are_three_of_this_architecture(self):
        self.assertEqual(sorted(self.debs), ["libwattle-dev", "libwattle0", "wattle"])
        for deb in self.debs.values():
            self.assertEqual(field(deb, "Architecture"), self.architecture)

    def test_dependencies_are_those_of_the_binaries(self):
        depends = field(self.debs["wattle"], "Depends")
        for library in ("libc6", "libstdc++6", "libfmt", "libutf8proc", "libxxhash0", "libedit2",
                        "libcurl4", "libssl3"):
            self.assertRegex(depends, rf"\b{re.escape(library)}\d* \(>= ")
        library = field(self.debs["libwattle0"], "Depends")
        self.assertIn("libfmt", library)
        for of_the_program in ("libedit", "libcurl", "libssl"):
            self.assertNotIn(of_the_program, library)
        version = field(self.debs["libwattle0"], "Version")
        self.assertEqual(field(self.debs["libwattle-dev"], "Depends"),
                         f"libwattle0 (= {version})")

    def test_files_lie_where_debian_has_them(self):
        lib = f"/usr/lib/{self.triplet}"
        for package, wanted in {
                "wattle": ["/usr/bin/wattle", STORIES, "/usr/share/man/man1/wattle.1",
                           "/usr/share/man/man1/wattle-run.1",
                           "/usr/share/bash-completion/completions/wattle",
                           "/usr/share/fish/vendor_completions.d/wattle.fish",
                           "/usr/share/zsh/vendor-completions/_wattle",
                           "/usr/share/doc/wattle/copyright"],
                "libwattle0": [f"{lib}/libwattle.so.0", "/usr/share/doc/libwattle0/copyright"],
                "libwattle-dev": [f"{lib}/libwattle.so", f"{lib}/libwattle.a",
                                  f"{lib}/cmake/wattle/wattleConfig.cmake",
                                  f"{lib}/pkgconfig/wattle.pc", "/usr/include/wattle/wattle.h",
                                  "/usr/share/doc/libwattle-dev/copyright"]}.items():
            there = files(self.debs[package])
            for path in wanted:
                self.assertIn(path, there, package)

    def test_life_in_a_clean_debian(self):
        reason = clean_root.why_not(self.architecture)
        if reason:
            self.skipTest(reason)
        root = clean_root.CleanRoot(self.architecture)
        self.addCleanup(root.remove)
        problem = root.make()
        if problem:
            self.skipTest(f"debootstrap made no root: {problem}")
        for deb in self.debs.values():
            shutil.copy(deb, root.path / "tmp")
        names = [f"/tmp/{deb.name}" for deb in self.debs.values()]
        status, said = root.run("apt-get", "install", "-y", "--no-install-recommends", *names)
        self.assertEqual(status, 0, said)
        status, said = root.run("wattle", "--version")
        self.assertEqual((status, said.split()[0]), (0, "wattle"), said)
        for processor in self.processors:
            status, said = root.run("wattle", *ASK, processor=processor)
            self.assertEqual(status, 0, said)
            self.assertIn(TOLD, said)
        status, said = root.run("ldconfig", "-p")
        self.assertIn("libwattle.so.0", said)
        status, said = root.run("apt-get", "remove", "-y", *self.debs)
        self.assertEqual(status, 0, said)
        for path in ("usr/bin/wattle", STORIES[1:], "usr/include/wattle"):
            self.assertFalse((root.path / path).exists(), path)


@unittest.skipUnless(shutil.which("aarch64-linux-gnu-g++") and shutil.which("qemu-aarch64-static"),
                     "packages for arm64 need the cross compiler and qemu")
class Arm64(Amd64):
    preset, processors = "package-arm64", ["cortex-a76", "max"]

    @classmethod
    def setUpClass(cls):
        cls.architecture, cls.triplet = "arm64", "aarch64-linux-gnu"
        cls.debs = make_packages(cls.preset)


if __name__ == "__main__":
    unittest.main(verbosity=2)
