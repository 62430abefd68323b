#!/usr/bin/env python3
"""The suite's own tests: with programs that print what they are told, whole runs take a second."""

import contextlib
import io
import json
import random
import re
import stat
import sys
import tempfile
import unittest
from pathlib import Path

import comparison
import contenders
import figures
import plan
import publish
import results
import run
import tables
import turns

WORKLOADS = sorted({row.workload for row in plan.rows()})


def program(folder, name, prints, code=0, workloads=WORKLOADS):
    """A contender's program that answers every workload with the same line."""
    path = folder / name
    path.write_text(f"#!{sys.executable}\nimport sys\n"
                    f"if '--list' in sys.argv: print({chr(10).join(workloads)!r}); sys.exit()\n"
                    f"print({prints!r}); sys.exit({code})\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def answer(**numbers):
    known = {"ns": 10, "us": 1, "ms": 5, "bytes": 4800, "mappings": 3, "wake_us": 1, "longest_us": 9, "late_s": 1,
             "cpu_s": 1, "cpu_ms": 0.0, "p50_us": 1, "p99_us": 2, "p999_us": 3}
    return json.dumps({**known, **numbers})


class Suite(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.build = Path(folder.name)
        self.programs = self.build / "bench/contenders"
        self.programs.mkdir(parents=True)
        self.out = self.build / "results"

    def run_suite(self, *arguments):
        """(exit status, what was printed, what was complained about)"""
        out, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            turns.possible.lists.clear()
            status = run.main(["--build", str(self.build), "--repetitions", "2", "--no-charts", *arguments])
        return status, out.getvalue(), errors.getvalue()

    def document(self):
        return results.read(self.out / "results.json")

    def test_a_run_writes_json_and_tables(self):
        program(self.programs, "bench_weft", answer(ns=10))
        program(self.programs, "bench_go", answer(ns=30))
        status, told, _ = self.run_suite("--only", "^yield-2$")
        self.assertEqual(status, 0)
        row, = self.document()["rows"]
        self.assertEqual([len(one["repetitions"]) for one in row["contenders"]], [2, 2])
        self.assertEqual(results.median(results.ours(row), "ns"), 10)
        self.assertIn("| Go | 30 ± 0% | 3.00 (3.00 to 3.00) |", (self.out / "results.md").read_text())
        self.assertIn("| yes |", told)
        self.assertIn("without Tokio", told)
        for key in ("machine", "kernel", "compiler", "commit"):
            self.assertIn(key, self.document()["machine"])

    def test_rows_that_take_long_end_with_fewer_repetitions(self):
        program(self.programs, "bench_weft", answer())
        for limit, count in (("0", turns.FEWEST), ("1000", 5)):
            self.run_suite("--only", "^yield-2$", "--repetitions", "5", "--row-seconds", limit)
            self.assertEqual(len(self.document()["rows"][0]["contenders"][0]["repetitions"]), count)
            self.assertIn(f"\n{count} repetitions\n", (self.out / "results.md").read_text())

    def test_quick_rows_say_their_size(self):
        program(self.programs, "bench_weft", answer(cpu_ms=0))
        self.run_suite("--only", "^idle$", "--quick")
        row, = self.document()["rows"]
        self.assertEqual(row["size"], 10_000)
        self.assertIn("(size 10,000)", row["title"])

    def test_rows_are_chosen_by_name_or_workload(self):
        program(self.programs, "bench_weft", answer())
        for only, rows in (("^yield-2$,^lock$", ["yield-2", "lock"]), ("timer_cancel", ["timer-cancel"])):
            self.run_suite("--only", only)
            self.assertEqual([row["name"] for row in self.document()["rows"]], rows)

    def test_micro_workloads_are_asked_for_by_names_of_any_kind(self):
        names = ["switch/weft inline", "switch/other", "select of 2, one ready, and (a) send/weft"]
        path = self.build / "bench/micro/micro_bench"
        path.parent.mkdir(parents=True)
        path.write_text(f"#!{sys.executable}\nimport json, subprocess, sys\n"
                        f"names = {names!r}\n"
                        "if '--benchmark_list_tests' in sys.argv: print('\\n'.join(names)); sys.exit()\n"
                        "wanted = next(a.split('=', 1)[1] for a in sys.argv if a.startswith('--benchmark_filter='))\n"
                        "found = subprocess.run(['grep', '-E', wanted], input='\\n'.join(reversed(names)), text=True,"
                        " stdout=subprocess.PIPE).stdout.splitlines()\n"
                        "print(json.dumps({'benchmarks': [{'run_type': 'iteration', 'run_name': n + '/repeats:2', 'real_time': len(n)}"
                        " for n in found]}))\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        self.run_suite("--only", "micro")
        rows = {row["title"]: row for row in self.document()["rows"]}
        self.assertEqual(sorted(rows), ["select of 2, one ready, and (a) send (micro)", "switch (micro)"])
        self.assertEqual(results.ours(rows["switch (micro)"])["name"], "weft inline")

    def test_a_goal_missed_is_said(self):
        program(self.programs, "bench_weft", answer(ns=13))
        self.assertIn("**no**", self.run_suite("--only", "^yield-2$")[1])

    def test_a_goal_beside_another_counts_from_that_one(self):
        program(self.programs, "bench_weft", answer(ns=24))
        program(self.programs, "bench_std", answer(ns=20))
        self.assertIn("1.2 x bare spin lock | yes", self.run_suite("--only", "^lock-contended-2w$")[1])
        program(self.programs, "bench_weft", answer(ns=25))
        self.assertIn("1.2 x bare spin lock | **no**", self.run_suite("--only", "^lock-contended-2w$")[1])

    def test_what_a_program_cannot_do_is_left_out(self):
        program(self.programs, "bench_weft", answer())
        program(self.programs, "bench_go", "", code=turns.IMPOSSIBLE)
        program(self.programs, "bench_tokio", answer(), workloads=["lock"])
        status, _, errors = self.run_suite("--only", "^yield-2$")
        self.assertEqual((status, errors), (0, ""))
        self.assertEqual([one["name"] for one in self.document()["rows"][0]["contenders"]], ["weft"])

    def test_a_program_that_fails_fails_the_run_and_the_others_are_kept(self):
        for bad in (("", 1), ("nonsense", 0)):
            program(self.programs, "bench_weft", answer())
            program(self.programs, "bench_go", *bad)
            status, _, errors = self.run_suite("--only", "^yield-2$")
            self.assertEqual(status, 1)
            self.assertIn("yield-2, Go", errors)
            self.assertEqual(results.median(results.ours(self.document()["rows"][0]), "ns"), 10)

    def test_nothing_measured_is_an_error(self):
        with self.assertRaises(turns.Failure):
            self.run_suite("--only", "no such row")

    def test_wrong_options_are_refused(self):
        for wrong in (["--only", "("], ["--repetitions", "0"], ["--milliseconds", "0"], ["--with", "x.json"], ["--nonsense"]):
            with self.assertRaises(SystemExit) as refused:
                self.run_suite(*wrong)
            self.assertEqual(refused.exception.code, 2)

    def test_results_that_cannot_be_read_are_told_before_the_run(self):
        bad = self.build / "bad.json"
        for content in ("", "[]", '{"format": 0}'):
            bad.write_text(content)
            with self.assertRaises(results.Unreadable):
                self.run_suite("--compare", str(bad))
        with self.assertRaises(results.Unreadable):
            self.run_suite("--compare", str(self.build / "none.json"))
        self.assertFalse(self.out.exists())

    def test_comparison_tells_what_got_slower(self):
        program(self.programs, "bench_weft", answer(ns=10))
        program(self.programs, "bench_go", answer(ns=30))
        self.run_suite("--only", "^yield-2$")
        old = self.build / "old.json"
        (self.out / "results.json").rename(old)
        program(self.programs, "bench_weft", answer(ns=12))
        status, told, _ = self.run_suite("--only", "^yield-2$", "--compare", str(old))
        self.assertEqual(status, 3)
        self.assertIn("| slower |", told)
        status, told, _ = self.run_suite("--compare", str(self.out / "results.json"), "--with", str(old))
        self.assertEqual(status, 0)
        self.assertIn("| faster |", told)

    def test_a_slower_machine_is_not_a_slower_weft(self):
        program(self.programs, "bench_weft", answer(ns=10))
        program(self.programs, "bench_go", answer(ns=30))
        self.run_suite("--only", "^yield-2$")
        old = self.build / "old.json"
        (self.out / "results.json").rename(old)
        program(self.programs, "bench_weft", answer(ns=20))
        program(self.programs, "bench_go", answer(ns=60))
        self.assertEqual(self.run_suite("--only", "^yield-2$", "--compare", str(old))[0], 0)

    def test_charts_are_drawn(self):
        try:
            import charts
        except ImportError:
            self.skipTest("Matplotlib is not installed: ./dev bench goes without charts then, too")
        program(self.programs, "bench_weft", answer(ns=10))
        program(self.programs, "bench_go", answer(ns=3000))
        self.run_suite("--only", "^yield-2$|^idle$")
        charts.draw(self.document(), self.out / "charts")
        for name in ("yield-2", "idle", "summary"):
            self.assertIn("<svg", (self.out / f"charts/{name}.svg").read_text())
            self.assertGreater((self.out / f"charts/{name}.png").stat().st_size, 1000)

    def test_results_are_published_where_they_are_shown(self):
        program(self.programs, "bench_weft", answer(ns=10))
        self.run_suite("--only", "^yield-2$|^yield-100$")
        (self.out / "charts").mkdir()
        for name in ("summary", "growth-yield", "yield-2"):
            (self.out / f"charts/{name}.svg").write_text("<svg \n/>")
        (self.build / "docs").mkdir()
        pages = self.build / "README.md", self.build / "docs/performance.md"
        for page in pages:
            page.write_text(f"above\n{publish.BEGIN}\nold\n{publish.END}\nbelow\n")
        publish.publish(self.out, self.build)
        for page, rows in zip(pages, (1, 2)):
            text = page.read_text()
            self.assertTrue(text.startswith("above\n") and text.endswith("\nbelow\n") and "old" not in text)
            self.assertEqual(text.count("| **10** |"), rows)
        self.assertEqual((self.build / "docs/images/yield-2.svg").read_text(), "<svg\n/>")
        publish.publish(self.out, self.build)  # once more: the comments are still there
        (self.out / "charts/summary.svg").unlink()
        with self.assertRaises(SystemExit):
            publish.publish(self.out, self.build)


class Figures(unittest.TestCase):
    def test_numbers_are_readable(self):
        for value, said in ((1234567, "1,234,567"), (123.4, "123"), (12.34, "12.3"), (1.234, "1.23"), (0.01234, "0.0123"),
                            (0, "0.00"), (None, "")):
            self.assertEqual(figures.text(value), said)

    def test_the_interval_holds_the_ratio(self):
        draw = random.Random(7)
        above = [20 + draw.gauss(0, 1) for _ in range(15)]
        below = [10 + draw.gauss(0, 1) for _ in range(15)]
        low, high = figures.ratio_interval(above, below)
        self.assertLess(low, figures.ratio(above, below))
        self.assertGreater(high, figures.ratio(above, below))
        self.assertGreater(low, 1.7)
        self.assertLess(high, 2.3)

    def test_nothing_below_has_no_ratio(self):
        self.assertIsNone(figures.ratio([1], [0]))
        self.assertIsNone(figures.ratio_interval([1], [0]))

    def test_noise_alone_is_seldom_called_a_change(self):
        draw = random.Random(11)
        wrong = 0
        for _ in range(100):
            old, new = ({"name": "r", "figures": [], "contenders": [
                {"name": "weft", "kind": contenders.WEFT, "repetitions": [{"ns": draw.gauss(100, 8)} for _ in range(7)]}]}
                for _ in range(2))
            wrong += comparison.verdict(comparison.change_of(old, new, {"key": "ns"})) != ""
        self.assertLess(wrong, 15)


class Plan(unittest.TestCase):
    def test_names_are_unique_and_fit_for_files(self):
        names = [row.name for row in plan.rows()]
        self.assertEqual(len(names), len(set(names)))
        for name in names:
            self.assertTrue(re.fullmatch(r"[a-z0-9-]+", name), name)

    def test_weft_takes_part_everywhere_and_nobody_twice(self):
        for row in plan.rows():
            names = [one.name for one in row.contenders]
            self.assertIn(contenders.WEFT, {one.kind for one in row.contenders}, row.name)
            self.assertEqual(len(names), len(set(names)), row.name)

    def test_every_workload_is_described(self):
        described = set(re.findall(r"^\| `(\w+)` ", (run.SOURCE / "bench/README.md").read_text(), re.M))
        self.assertEqual(set(WORKLOADS) - described, set())

    def test_goals_beside_others_name_contenders_of_the_row(self):
        for row in plan.rows():
            for figure in row.figures:
                if figure.beside:
                    self.assertIn(figure.beside[0], {one.name for one in row.contenders}, row.name)

    def test_tables_of_nothing_are_empty(self):
        self.assertEqual(len(tables.goals({"rows": []}).splitlines()), 2)


if __name__ == "__main__":
    unittest.main()
