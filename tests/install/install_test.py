#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Installs a finished build into a fresh folder and uses what is there: headers, both libraries, their
CMake package and pkg-config file, and the program. Arguments: build folder, C++ compiler."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
MODEL = SOURCE / "models" / "stories-gemma4-moe.gguf"
BUILD, CXX = "", ""


def run(*command, cwd=None, **env):
    """The output of a command that must succeed."""
    done = subprocess.run([str(word) for word in command], cwd=cwd, env=dict(os.environ, **env),
                          capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class InstallTree(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temp = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temp.cleanup)
        first = pathlib.Path(cls.temp.name, "first")
        run("cmake", "--install", BUILD, "--prefix", first)
        # Nothing in it may know where it was installed.
        cls.prefix = pathlib.Path(cls.temp.name, "moved")
        first.rename(cls.prefix)
        cls.lib = next(cls.prefix.rglob("libwattle.so")).parent
        cls.work = pathlib.Path(cls.temp.name, "work")
        cls.work.mkdir()

    def tell_story(self, program, **env):
        self.assertGreater(len(run(program, MODEL, **env).strip()), 40)

    def expect_error(self, program):
        done = subprocess.run([program, "/no/such/model.gguf"], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("error: /no/such/model.gguf", done.stderr)
        self.assertIn("hint: ", done.stderr)

    def configure_and_build(self, example):
        build = self.work / f"cmake-{example}"
        run("cmake", "-S", SOURCE / "tests/install" / example, "-B", build,
            f"-DCMAKE_PREFIX_PATH={self.prefix}", "-DCMAKE_BUILD_TYPE=Release")
        run("cmake", "--build", build)
        return build

    def pkg_config(self, *options):
        return run("pkg-config", *options, "wattle",
                   PKG_CONFIG_PATH=str(self.lib / "pkgconfig")).split()

    def test_cmake_finds_it_for_c(self):
        build = self.configure_and_build("c")
        self.tell_story(build / "embedded")
        self.expect_error(build / "embedded")

    def test_cmake_finds_it_for_cpp_shared_and_static(self):
        build = self.configure_and_build("cpp")
        self.tell_story(build / "embedded")
        self.tell_story(build / "embedded_static")
        self.expect_error(build / "embedded")  # an exception that leaves the library
        self.expect_error(build / "embedded_static")
        self.assertNotIn("libwattle", run("readelf", "-d", build / "embedded_static"))

    def test_cmake_refuses_another_version_and_an_unknown_component(self):
        for wanted in ("0.0", "0.2", "1.0"):
            folder = self.work / f"wants-{wanted}"
            shutil.copytree(SOURCE / "tests/install/c", folder)
            listfile = folder / "CMakeLists.txt"
            listfile.write_text(listfile.read_text().replace("wattle 0.1", f"wattle {wanted}"))
            with self.assertRaisesRegex(AssertionError, "requested version"):
                run("cmake", "-S", folder, "-B", folder / "build",
                    f"-DCMAKE_PREFIX_PATH={self.prefix}")

    def test_pkg_config_finds_it_for_c_and_cpp(self):
        flags = self.pkg_config("--cflags", "--libs")
        for compiler, source in (("cc", "c/main.c"), (CXX, "cpp/main.cpp")):
            program = self.work / f"pc-{compiler.replace('/', '_')}"
            standard = "-std=c99" if source.endswith(".c") else "-std=c++20"
            run(compiler, standard, "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                SOURCE / "tests/install" / source, "-o", program, *flags)
            self.tell_story(program, LD_LIBRARY_PATH=str(self.lib))

    def test_pkg_config_finds_the_static_library(self):
        program = self.work / "pc-static"
        flags = self.pkg_config("--static", "--cflags", "--libs")
        flags[flags.index("-lwattle")] = "-l:libwattle.a"
        run("cc", "-std=c99", SOURCE / "tests/install/c/main.c", "-o", program, *flags)
        self.tell_story(program)

    def test_only_the_public_api_is_exported(self):
        library = self.lib / "libwattle.so"
        self.assertRegex(run("readelf", "-d", library), r"SONAME.*\[libwattle\.so\.0\]")
        symbols = run("nm", "-DC", "--defined-only", library).splitlines()
        names = [line.split(maxsplit=2)[2] for line in symbols]
        c_names = [n for n in names if re.fullmatch(r"wattle_\w+@@WATTLE_C_0", n)]
        classes = re.findall(r"^class WATTLE_API (\w+)", "".join(
            header.read_text() for header in sorted((self.prefix / "include/wattle").iterdir())),
            re.MULTILINE)
        self.assertIn("Engine", classes)
        cpp_names = [n for n in names if re.match(
            rf"(typeinfo (name )?for |vtable for )?wattle::({'|'.join(classes)})\b", n)]
        for name in classes:
            self.assertTrue(any(f"wattle::{name}" in n for n in cpp_names), name)
        nodes = [n for n in names if re.match(r"WATTLE_(C|CXX)_", n)]
        self.assertEqual(set(names), set(c_names) | set(cpp_names) | set(nodes))
        declared = re.findall(r"^WATTLE_API [^;(]*?(wattle_\w+)\(",
                              (self.prefix / "include/wattle/wattle.h").read_text(), re.MULTILINE)
        self.assertGreater(len(declared), 20)
        self.assertEqual(sorted(declared), sorted(n.split("@")[0] for n in c_names))

    def test_the_program_finds_its_model(self):
        out = run(self.prefix / "bin/wattle", "run", "-m", "stories", "-n", "16", "Once upon a time")
        self.assertGreater(len(out.strip()), 20)

    def test_licence_and_headers_are_there(self):
        self.assertTrue((self.prefix / "share/doc/wattle/LICENSE").is_file())
        for header in (SOURCE / "include/wattle").iterdir():
            self.assertTrue((self.prefix / "include/wattle" / header.name).is_file())

    def test_the_documented_programs_are_these(self):
        page = (SOURCE / "docs/embedding.md").read_text()
        for source in ("c/main.c", "cpp/main.cpp"):
            text = (SOURCE / "tests/install" / source).read_text().split("\n", 1)[1]
            self.assertIn(text, page, source)


if __name__ == "__main__":
    BUILD, CXX = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1])
