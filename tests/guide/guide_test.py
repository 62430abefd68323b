#!/usr/bin/env python3
"""The pages' mistakes are found, and named with page and line. Each case is a small page with one fault or none."""

import stat
import tempfile
import unittest
from pathlib import Path

import guide

PROGRAM = "```cpp\n#include <cstdio>\n#include <weft/weft.hpp>\nint main() {\n  std::puts(\"hello\");\n}\n```\n"


class GuideCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def page(self, text):
        path = self.folder / "page.md"
        path.write_text(text)
        return str(path)

    def program(self, script):
        path = self.folder / "program"
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    def extracted(self, text):
        output = self.folder / "page.cpp"
        guide.extract(self.page(text), output)
        return output.read_text()

    def refused(self, text, *words):
        with self.assertRaises(guide.PageError) as raised:
            self.extracted(text)
        for word in words:
            self.assertIn(word, str(raised.exception))


class Run(GuideCase):
    def test_the_output_of_the_page_is_accepted(self):
        page = self.page("# Title\n\n" + PROGRAM + "\n```text\nhello\n```\n")
        self.assertIsNone(guide.run(page, self.program("echo hello; echo aside >&2"), 1))

    def test_a_stale_output_is_named_with_page_and_line(self):
        page = self.page("# Title\n\n" + PROGRAM + "```text\ngood bye\n```\n")
        message = guide.run(page, self.program("echo hello"), 1)
        self.assertIn("page.md:3:", message)
        self.assertIn("-good bye\n+hello", message)

    def test_a_missing_newline_at_the_end_is_a_difference(self):
        page = self.page(PROGRAM + "```text\nhello\n```\n")
        self.assertIsNotNone(guide.run(page, self.program("printf hello"), 1))

    def test_an_example_without_output_is_named(self):
        for between in ("", "Text.\n\n```text\nhello\n```\n", "```console\nhello\n```\n"):
            message = guide.run(self.page(PROGRAM + between), self.program("echo hello"), 1)
            self.assertIn("page.md:1: this example has no", message)

    def test_an_exit_code_is_told_with_what_was_said(self):
        page = self.page(PROGRAM + "```text\nhello\n```\n")
        message = guide.run(page, self.program("echo hello; echo broken >&2; exit 3"), 1)
        self.assertIn("ended with 3", message)
        self.assertIn("broken", message)

    def test_the_number_of_an_example_that_is_gone_is_refused(self):
        self.assertIn("no example 2", guide.run(self.page(PROGRAM), "unused", 2))


class Extract(GuideCase):
    def test_two_programs_and_a_fragment_become_one_source(self):
        text = self.extracted(PROGRAM + "Text.\n```cpp\nint x = 1;\n```\n" + PROGRAM)
        self.assertIn("case 1: return example_1::example_main();", text)
        self.assertIn("case 2: return example_2::example_main();", text)
        self.assertIn("int x = 1;", text)
        self.assertEqual(text.count("#include <cstdio>"), 1)

    def test_lines_are_those_of_the_page(self):
        lines = self.extracted("# Title\n\n" + PROGRAM).split("\n")
        at = next(i for i, line in enumerate(lines) if line.startswith('#line 4 "') and "page.md" in line)
        self.assertIn("std::puts", lines[at + 4])  # line 7 of the page

    def test_comments_and_other_languages_do_not_exist(self):
        text = self.extracted("<!-- when merged:\n" + PROGRAM + "-->\n<!-- one line -->\n```c++\nnonsense\n```\n" + PROGRAM)
        self.assertIn("case 1:", text)
        self.assertNotIn("case 2:", text)
        self.assertNotIn("nonsense", text)

    def test_an_unclosed_block_is_named(self):
        self.refused("\n```cpp\nint x;\n", "page.md:2:", "not closed")

    def test_a_program_includes_what_it_uses(self):
        self.refused(PROGRAM.replace("#include <cstdio>\n", ""), "page.md:1:", "#include <cstdio>")

    def test_a_main_without_an_end_is_named(self):
        self.refused(PROGRAM.replace("\n}\n", "\n  }\n"), "page.md:1:", "end of main")

    def test_another_form_of_main_is_refused(self):
        self.refused(PROGRAM.replace("main()", "main(int n, char** words)"), "page.md:1:", "int main() {")

    def test_an_unchanged_source_is_left_alone(self):
        self.extracted(PROGRAM)
        before = (self.folder / "page.cpp").stat().st_mtime_ns
        self.extracted(PROGRAM)
        self.assertEqual(before, (self.folder / "page.cpp").stat().st_mtime_ns)


class Links(GuideCase):
    def test_only_a_link_that_leads_nowhere_is_reported(self):
        page = self.page("[a](page.md#there) [b](https://example.org/x) [c](#here)\n[d](gone.md)\n```cpp\n[](int x) {}\n```\n")
        problems = guide.broken_links(self.folder, [page])
        self.assertEqual(len(problems), 1, problems)
        self.assertIn("page.md:2: the link to gone.md", problems[0])


if __name__ == "__main__":
    unittest.main()
