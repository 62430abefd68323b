"""What tools/test/shard.py and merge_shares.py make of programs that end well, badly, early or never.

The program is this file: it speaks as GoogleTest does, and each of its tests does what its name says."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree as ElementTree

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools" / "test"
TESTS = ["passes", "fails", "is_skipped", "leaves_a_line_open", "crashes", "hangs", "passes_after"]


def play(arguments):
    """A program of the suite `Played`; --with-exit=N is the code it ends with."""
    code = next((int(a.split("=")[1]) for a in arguments if a.startswith("--with-exit=")), 0)
    if "--gtest_list_tests" in arguments:
        print("Played.\n  " + "\n  ".join(TESTS) + "\n  DISABLED_never  # no test")
        return 0
    if "--leaves-early" in arguments:
        print("[ RUN      ] Played.passes\n[       OK ] Played.passes (0 ms)", flush=True)
        return 0
    if "--silent" in arguments:
        return code
    asked = next(a.split("=")[1] for a in arguments if a.startswith("--gtest_filter=")).split(":")
    for name in asked:
        test = name.removeprefix("Played.")
        print(f"[ RUN      ] {name}\nwords of {test}", flush=True)
        if test == "crashes":
            os.kill(os.getpid(), signal.SIGKILL)
        if test == "hangs":
            time.sleep(60)
        if test == "leaves_a_line_open":
            print("open: ", end="")
        word = {"fails": "  FAILED  ", "is_skipped": "  SKIPPED "}.get(test, "       OK ")
        print(f"[{word}] {name} (7 ms)", flush=True)
    return code


def shard(folder, *options, program=(), share="0/1"):
    report = pathlib.Path(folder) / "layer.share1.xml"
    run = subprocess.run([sys.executable, "-B", TOOLS / "shard.py", "--prefix", "layer.", "--report", report, "--share", share,
                          "--timeout", "2", *options, "--", sys.executable, "-B", __file__, "play", *program],
                         stdout=subprocess.PIPE, text=True, timeout=120, check=False)
    cases = {case.get("name"): case for case in ElementTree.parse(report).iter("testcase")}
    return run, cases


class Shares(unittest.TestCase):
    def setUp(self):
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = held.name

    def outcomes(self, cases):
        return {name.split(".")[-1]: case.get("status") for name, case in cases.items()}

    def test_each_test_has_its_outcome_and_those_after_a_crash_are_run(self):
        run, cases = shard(self.folder)
        self.assertEqual(self.outcomes(cases), {
            "passes": "run", "fails": "fail", "is_skipped": "notrun", "leaves_a_line_open": "run", "crashes": "fail",
            "hangs": "fail", "passes_after": "run"})
        self.assertEqual(run.returncode, 1)
        self.assertEqual(cases["layer.Played.crashes"].find("failure").get("message"), "ended by SIGKILL")
        self.assertIn("longer than 2", cases["layer.Played.hangs"].find("failure").get("message"))
        self.assertIn("words of fails", run.stdout)
        self.assertNotIn("words of passes", run.stdout)

    def test_what_passes_passes(self):
        run, cases = shard(self.folder, "--except", "fails|crashes|hangs")
        self.assertEqual(run.returncode, 0)
        self.assertEqual(len(cases), 4)

    def test_a_share_is_every_nth(self):
        _, cases = shard(self.folder, share="1/3", program=("--with-exit=0",))
        self.assertEqual(list(self.outcomes(cases)), ["fails", "crashes"])

    def test_an_early_end_with_exit_code_0_is_a_failure(self):
        run, cases = shard(self.folder, "--except", "hangs|crashes|fails", program=("--leaves-early",))
        self.assertEqual(run.returncode, 1)
        self.assertIn("exit code 0 before all tests had run", run.stdout)
        self.assertEqual(cases["layer.Played.passes"].get("status"), "run")

    def test_interrupted_it_leaves_no_program_and_a_report(self):
        report = pathlib.Path(self.folder) / "layer.share1.xml"
        command = [sys.executable, "-B", TOOLS / "shard.py", "--prefix", "layer.", "--report", report, "--alone", "passes$",
                   "--only", "passes$|hangs", "--", sys.executable, "-B", __file__, "play", f"--mark={self.folder}"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as run:
            while not report.exists():  # written after the test that runs alone
                time.sleep(0.01)
            while not self.running():
                time.sleep(0.01)
            run.send_signal(signal.SIGTERM)
        self.assertEqual(run.returncode, 128 + signal.SIGTERM)
        self.assertEqual(self.running(), [])
        cases = {case.get("name"): case.get("status") for case in ElementTree.parse(report).iter("testcase")}
        self.assertEqual(cases, {"layer.Played.passes": "run", "layer.Played.hangs": "fail"})

    def running(self):
        """Processes of this test's played program that run a test."""
        mark = f"--mark={self.folder}".encode()
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = process.read_bytes().split(b"\0")
            except OSError:
                continue  # it has ended meanwhile
            if mark in words and b"--gtest_filter=Played.hangs" in words:
                found.append(process)
        return found

    def test_a_program_with_fewer_tests_than_shares_leaves_one_empty(self):
        run, cases = shard(self.folder, share="8/9")
        self.assertEqual((run.returncode, len(cases)), (0, 0))

    def test_one_alone_has_a_process_of_its_own(self):
        run, cases = shard(self.folder, "--except", "fails|hangs", "--alone", "[.](crashes|passes)$")
        self.assertEqual(run.returncode, 1)
        self.assertEqual([name.split(".")[-1] for name, case in cases.items() if case.get("status") == "fail"], ["crashes"])
        self.assertEqual(len(cases), 5)

    def test_a_bad_end_after_the_tests_is_a_failure_of_its_own(self):
        run, cases = shard(self.folder, "--only", "passes$", program=("--with-exit=23",))
        self.assertEqual(run.returncode, 1)
        self.assertEqual([case.find("failure").get("message") for case in cases.values() if case.get("status") == "fail"],
                         ["exit code 23 between tests or after them"])

    def test_silence_with_exit_code_0_is_not_believed(self):
        run, cases = shard(self.folder, program=("--silent",))
        self.assertEqual(run.returncode, 1)
        self.assertEqual(set(self.outcomes(cases).values()), {"fail"})

    def test_a_share_without_tests_is_no_success(self):
        run, _ = shard(self.folder, "--only", "nothing")
        self.assertEqual(run.returncode, 1)

    def test_merged_a_share_gives_way_to_its_tests(self):
        shard(self.folder, "--except", "hangs")
        report = pathlib.Path(self.folder) / "tests.xml"
        report.write_text('<testsuite tests="3" failures="2" skipped="0" disabled="0">'
                          '<testcase name="layer.share1" status="fail"><failure/></testcase>'
                          '<testcase name="layer.share2" status="fail"><failure/></testcase>'
                          '<testcase name="other" status="run"/></testsuite>', encoding="utf-8")
        subprocess.run([sys.executable, "-B", TOOLS / "merge_shares.py", self.folder, report], check=True)
        whole = ElementTree.parse(report).getroot()
        self.assertEqual([whole.get(name) for name in ("tests", "failures", "skipped")], ["8", "3", "1"])
        names = [case.get("name") for case in whole.iter("testcase")]
        self.assertNotIn("layer.share1", names)
        self.assertIn("layer.share2", names)  # it left no report
        self.assertIn("layer.Played.crashes", names)


if __name__ == "__main__":
    if sys.argv[1:2] == ["play"]:
        sys.exit(play(sys.argv[2:]))
    unittest.main()
