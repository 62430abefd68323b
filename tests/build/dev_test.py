#!/usr/bin/env python3
"""./dev and the compiler: what it takes, what it refuses. A copy of the script runs in a folder of its own, where compilers
and cmake are little scripts that say what they were asked.

usage: dev_test.py PATH_OF_DEV
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

DEV = None
CMAKE = """#!/bin/sh
echo "cmake: CXX=$CXX launcher=$CMAKE_CXX_COMPILER_LAUNCHER"
"""


class Compiler(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.bin = self.folder / "bin"
        self.bin.mkdir()
        shutil.copy(DEV, self.folder / "dev")
        self.script("cmake", CMAKE)
        self.script("ninja", "#!/bin/sh\n")
        for tool in ("bash", "sh", "env", "cat", "readlink", "dirname", "sed", "awk", "grep", "nproc", "rm", "mkdir", "head", "tr"):
            os.symlink(shutil.which(tool), self.bin / tool)

    def script(self, name, text):
        path = self.bin / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def compiler(self, name, gcc=None, clang=None):
        """Clang says that it is GCC 4, too."""
        macros = f"#define __GNUC__ {gcc or 4}\\n" + (f"#define __clang_major__ {clang}\\n" if clang else "")
        self.script(name, f"#!/bin/sh\nprintf '{macros}'\n")

    def build(self, **environment):
        return self.dev("build", **environment)

    def dev(self, *arguments, **environment):
        """Exit code and output of `dev`, with nothing of the caller's environment."""
        done = subprocess.run([self.folder / "dev", *arguments], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={"PATH": str(self.bin), "WEFT_NO_INSTALL": "1", **environment})
        return done.returncode, done.stdout

    def assert_builds_with(self, cxx, launcher="", **environment):
        code, output = self.build(**environment)
        self.assertEqual(code, 0, output)
        self.assertIn(f"cmake: CXX={cxx} launcher={launcher}\n", output)

    def assert_refused(self, *words, **environment):
        code, output = self.build(**environment)
        self.assertNotEqual(code, 0, output)
        for word in words:
            self.assertIn(word, output)
        self.assertNotIn("cmake:", output)

    def test_without_a_wish_the_first_that_is_new_enough_is_taken(self):
        self.compiler("g++", gcc=11)
        self.compiler("g++-13", gcc=13)
        self.compiler("clang++-16", clang=16)
        self.assert_builds_with("g++-13")

    def test_none_that_is_new_enough_is_an_error(self):
        self.compiler("g++", gcc=11)
        self.compiler("clang++", clang=15)
        self.assert_refused("GCC 12 or Clang 16")

    def test_cxx_is_taken(self):
        self.compiler("g++", gcc=12)
        self.compiler("clang++-17", clang=17)
        self.assert_builds_with("clang++-17", CXX="clang++-17")
        self.assert_builds_with("clang++-17", CXX="clang++-17", CC="gcc")

    def test_cxx_may_have_any_name_and_flags(self):
        self.compiler("my-compiler", gcc=12)
        self.assert_builds_with("my-compiler -m64", CXX="my-compiler -m64")

    def test_cxx_that_is_too_old_or_absent_is_refused(self):
        self.compiler("g++", gcc=12)
        self.compiler("clang++-14", clang=14)
        self.compiler("c++", gcc=11)
        self.assert_refused("clang++-14 is too old", CXX="clang++-14")
        self.assert_refused("c++ is too old", CXX="c++")
        self.assert_refused("no such compiler: g++-99", CXX="g++-99")

    def test_cc_alone_chooses_the_compiler_beside_it(self):
        self.compiler("g++", gcc=12)
        self.compiler("g++-13", gcc=13)
        self.compiler("clang++-16", clang=16)
        self.compiler("c++", gcc=12)
        self.compiler("opt/clang++", clang=18)
        self.assert_builds_with("clang++-16", CC="clang-16")
        self.assert_builds_with("g++-13", CC="gcc-13")
        self.assert_builds_with("c++", CC="cc")
        self.assert_builds_with(f"{self.bin}/opt/clang++", CC=f"{self.bin}/opt/clang")
        self.assert_refused("no such compiler: clang++-19", CC="clang-19")

    def test_a_launcher_before_the_compiler_goes_to_cmake(self):
        self.compiler("g++", gcc=12)
        self.compiler("clang++-16", clang=16)
        self.script("ccache", "#!/bin/sh\n")
        self.assert_builds_with("g++", "ccache", CXX="ccache g++")
        self.assert_builds_with("clang++-16", "ccache", CC="ccache clang-16")
        self.assert_builds_with("g++", "/opt/sccache", CXX="/opt/sccache g++")

    def test_ccache_is_used_where_it_is_unless_a_launcher_is_named(self):
        self.compiler("g++", gcc=12)
        self.script("ccache", "#!/bin/sh\n")
        self.assert_builds_with("g++", "ccache")
        self.assert_builds_with("g++", "other", CMAKE_CXX_COMPILER_LAUNCHER="other")

    def test_a_processor_without_its_toolchain_is_skipped_with_a_sentence(self):
        self.compiler("g++", gcc=12)
        code, output = self.dev("test", "--abi", "aarch64", "--reduced")
        self.assertNotEqual(code, 0, "nothing was run")
        self.assertIn("aarch64 is not tested: this machine has no ", output)
        self.assertIn("0 passed, 1 failed, 1 skipped\n", output)
        self.assertNotIn("cmake:", output)

    def test_windows_without_its_toolchain_is_skipped_with_a_sentence(self):
        self.compiler("g++", gcc=12)
        code, output = self.dev("test", "--abi", "windows")
        self.assertNotEqual(code, 0, "nothing was run")
        self.assertIn("windows is not tested: this machine has no ", output)
        self.assertIn("0 passed, 1 failed, 1 skipped\n", output)
        self.assertNotIn("cmake:", output)

    @unittest.skipUnless(os.path.exists("/usr/src/googletest"), "no sources of GoogleTest for the processor's tests")
    def test_a_processor_of_which_a_layer_was_not_tested_has_failed(self):
        self.compiler("g++", gcc=12)
        self.toolchain("riscv64")
        self.reports("base.A", "context.B", "stack.C", "fiber.D")
        code, output = self.dev("test", "--abi", "riscv64", "--reduced")
        self.assertIn("riscv64: no test of sched passed", output)
        self.assertNotEqual(code, 0, output)
        self.reports("base.A", "context.B", "stack.C", "fiber.D", "sched.E")
        code, output = self.dev("test", "--abi", "riscv64", "--reduced")
        self.assertIn("5 passed, 0 failed\n", output)
        self.assertEqual(code, 0, output)

    def toolchain(self, processor):
        """All that is looked for, and a dpkg that says yes to the rest."""
        for name in (f"{processor}-linux-gnu-g++", "qemu-aarch64", "qemu-riscv64", "readelf", "nm", "dpkg"):
            self.script(name, "#!/bin/sh\n")

    def reports(self, *tests):
        """A ctest whose report says that these have run."""
        cases = "".join(f'<testcase name=\\"{test}\\" status=\\"run\\"/>' for test in tests)
        self.script("ctest", '#!/bin/sh\nwhile [ "$1" != --output-junit ]; do shift; done\n'
                             'mkdir -p "${2%/*}"\n'
                             f'echo "<testsuite name=\\"all\\" tests=\\"{len(tests)}\\" failures=\\"0\\">{cases}</testsuite>" >"$2"\n')


if __name__ == "__main__":
    DEV = sys.argv.pop(1)
    unittest.main()
