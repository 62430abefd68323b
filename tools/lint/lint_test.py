#!/usr/bin/env python3
"""The lints find what they are for, and nothing else. Each case is a small tree with one planted fault or none."""

import tempfile
import unittest
from pathlib import Path

import check_atomics
import check_layers
import check_named_tests
import check_style
import cpp_text


class LintCase(unittest.TestCase):
    def run_on(self, check, **files):
        """Problems of a tree that holds the files: keys are paths with __ for / and _DOT_ for the dot."""
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for key, text in files.items():
                path = root / key.replace("__", "/").replace("_DOT_", ".")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            count, problems = check(root)
            self.assertGreater(count, 0)
            return problems

    def assert_one(self, problems, *words):
        self.assertEqual(len(problems), 1, problems)
        for word in words:
            self.assertIn(word, problems[0])


class Layers(LintCase):
    def test_a_lower_layer_and_the_own_one_may_be_included(self):
        self.assertEqual([], self.run_on(
            check_layers.check,
            src__sync__mutex_DOT_cpp='#include "sched/park.hpp"\n#include <weft/sync/mutex.hpp>\n#include <vector>\n'))

    def test_an_upward_include_is_reported_with_its_line(self):
        self.assert_one(self.run_on(
            check_layers.check, src__stack__slab_DOT_cpp='\n#include "sched/park.hpp"\n'),
            "src/stack/slab.cpp:2", "stack includes sched")

    def test_an_upward_include_of_a_public_header_is_reported(self):
        self.assert_one(self.run_on(
            check_layers.check, include__weft__fiber__x_DOT_hpp="#include <weft/task/scope.hpp>\n"), "fiber includes task")

    def test_layers_of_equal_rank_do_not_see_one_another(self):
        self.assert_one(self.run_on(check_layers.check, src__sim__x_DOT_cpp='#include "debug/dump.hpp"\n'), "sim includes debug")

    def test_a_public_header_that_includes_a_private_one_is_reported(self):
        self.assert_one(self.run_on(
            check_layers.check, include__weft__sync__mutex_DOT_hpp='#include "base/check.hpp"\n'), "private")

    def test_a_private_header_beside_the_file_is_found(self):
        self.assertEqual([], self.run_on(
            check_layers.check, src__io__a_DOT_cpp='#include "b.hpp"\n', src__io__b_DOT_hpp="#pragma once\n"))

    def test_the_command_includes_its_own_folders_and_any_layer(self):
        self.assertEqual([], self.run_on(
            check_layers.check, tools__weft__serve__a_DOT_cpp='#include "serve/b.hpp"\n#include "net/tcp.hpp"\n',
            tools__weft__serve__b_DOT_hpp="#pragma once\n"))

    def test_an_unknown_layer_is_reported(self):
        self.assert_one(self.run_on(check_layers.check, src__io__a_DOT_cpp='#include "misc/b.hpp"\n'), "no layer")
        self.assert_one(self.run_on(check_layers.check, src__misc__a_DOT_cpp="int x;\n"), "in no layer")

    def test_the_umbrella_may_include_all_and_nobody_includes_it(self):
        self.assertEqual([], self.run_on(check_layers.check, include__weft__weft_DOT_hpp="#include <weft/net/tcp.hpp>\n"))
        self.assert_one(self.run_on(check_layers.check, src__io__a_DOT_cpp="#include <weft/weft.hpp>\n"), "umbrella")

    def test_a_commented_include_does_not_count(self):
        self.assertEqual([], self.run_on(check_layers.check, src__base__a_DOT_cpp='/*\n#include "io/x.hpp"\n*/\n'))


class Atomics(LintCase):
    def problems(self, text):
        return self.run_on(check_atomics.check, src__base__x_DOT_cpp=text)

    def test_std_atomic_is_reported_outside_the_door(self):
        self.assert_one(self.problems("std::atomic<int> x;\n"), "x.cpp:1", "std::atomic")
        self.assert_one(self.problems("#include <atomic>\n"), "#include <atomic>")
        self.assert_one(self.problems("void f() { std::atomic_thread_fence(a); }\n"), "std::atomic_thread_fence")
        self.assert_one(self.problems("int f() { return __atomic_load_n(p, 0); }\n"), "__atomic_load_n")
        self.assertEqual([], self.run_on(
            check_atomics.check, include__weft__base__atomic_DOT_hpp="#include <atomic>\nusing std::atomic;\n"))

    def test_a_word_in_a_comment_or_string_is_not_code(self):
        self.assertEqual([], self.problems('// std::atomic and memory_order_acquire\nauto s = "std::atomic";\n'))

    def test_an_order_without_partner_is_reported(self):
        for order in ("acquire", "release", "acq_rel", "seq_cst"):
            self.assert_one(self.problems(f"auto a = x.op(memory_order_{order});\n"), f"memory_order_{order}", "partner")

    def test_a_partner_is_found_on_the_line_and_the_three_before(self):
        self.assertEqual([], self.problems("x.load(memory_order_acquire);  // pairs with the store in f()\n"))
        self.assertEqual([], self.problems("// The partner is f().\n\n\nx.load(memory_order_acquire);\n"))
        self.assertEqual(1, len(self.problems("// pairs with f()\n\n\n\nx.load(memory_order_acquire);\n")))

    def test_a_long_comment_block_counts_as_a_whole(self):
        self.assertEqual([], self.problems("// pairs with f()\n// b\n// c\n// d\n// e\nx.load(memory_order_acquire);\n"))

    def test_a_relaxed_order_says_why(self):
        self.assert_one(self.problems("x.load(memory_order_relaxed);  // a counter\n"), "relaxed")
        self.assertEqual([], self.problems("x.load(memory_order_relaxed);  // relaxed: a counter\n"))

    def test_the_failure_order_of_a_compare_exchange_needs_no_reason_of_its_own(self):
        self.assertEqual([], self.problems(
            "// pairs with unlock()\nx.compare_exchange_weak(a, b, memory_order_acquire, memory_order_relaxed);\n"))


class Style(LintCase):
    def problems(self, text, name="src__base__x_DOT_cpp"):
        return self.run_on(check_style.check, **{name: text})

    def test_length_is_limited(self):
        self.assertEqual([], self.problems("int x;\n" * 400))
        self.assert_one(self.problems("int x;\n" * 401), "401 lines")
        self.assertEqual([], self.problems("int x;\n" * 401, "tests__base__x_test_DOT_cpp"))
        self.assert_one(self.problems("int x;\n" * 801, "tests__base__x_test_DOT_cpp"), "801 lines")

    def test_tabs_and_trailing_blanks_are_reported(self):
        self.assert_one(self.problems("\tint x;\n"), "tab")
        self.assert_one(self.problems("int x; \n"), "blanks")

    def test_thread_local_stands_in_the_accessor_file_only(self):
        self.assert_one(self.problems("thread_local int x;\n"), "thread_local")
        self.assertEqual([], self.problems("// not thread_local\nint x;\n"))
        for name in check_style.THREAD_LOCAL_FILES:
            key = name.replace("/", "__").replace(".", "_DOT_")
            self.assertEqual([], self.problems("thread_local int x;\n", key))

    def test_errno_stands_where_it_is_copied_at_once_only(self):
        self.assert_one(self.problems("int f() { return errno; }\n"), "x.cpp:1", "errno")
        self.assertEqual([], self.problems('#include <cerrno>  // errno\n// errno\nauto s = "errno"; int errno_of(int);\n'))
        for name in check_style.ERRNO_FILES:
            self.assertEqual([], self.problems("int e = errno;\n", name.replace("/", "__").replace(".", "_DOT_")))

    def test_the_identity_of_the_thread_is_reported(self):
        for call in ("std::this_thread::get_id()", "this_thread :: get_id()", "::pthread_self()", "::gettid()",
                     "::syscall(SYS_gettid)", "thrd_current()"):
            self.assert_one(self.problems(f"auto x = {call};\n"), "x.cpp:1", "identity of the thread")
        self.assertEqual([], self.problems("auto x = this_fiber::get_id(); auto y = this_thread_parker();\n"))
        for name in check_style.THREAD_ID_FILES:
            self.assertEqual([], self.problems("auto x = pthread_self();\n", name.replace("/", "__").replace(".", "_DOT_")))

    def test_a_conditional_in_a_function_body_is_reported(self):
        self.assert_one(self.problems("int f() {\n#if X\n  return 1;\n#endif\n  return 0;\n}\n"), "x.cpp:2", "conditional")
        self.assert_one(self.problems("struct s {\n  void g() const noexcept {\n#ifdef X\n#endif\n  }\n};\n"), "x.cpp:3")
        self.assert_one(self.problems("auto f = [](int x) {\n  if (x) {\n#ifdef X\n#endif\n  }\n};\n"), "x.cpp:3")
        self.assert_one(self.problems("struct t f() {\n#ifdef X\n#endif\n}\n"), "x.cpp:2")

    def test_a_conditional_between_functions_and_members_is_not(self):
        for head in ("namespace a::inline b {", "struct s {", "class alignas(64) s final : public t<u> {", 'extern "C" {',
                     "template <class T = decltype(f())> struct s {", "enum class e : int {"):
            self.assertEqual([], self.problems(f"{head}\n#if X\n#endif\n}};\nint f() {{ return 0; }}\n#if Y\n#endif\n"), head)


class NamedTests(LintCase):
    tests = "TEST(Event, Wakes) {}\nTYPED_TEST(Lock, IsFair) {}\nTEST_F(Event, WaitsLong) {}\n"

    def run_page(self, text):
        return self.run_on(check_named_tests.check, tests__sync__a_test_DOT_cpp=self.tests, docs__page_DOT_md=text)

    def test_tests_that_are_there_are_fine(self):
        self.assertEqual(self.run_page("`Event.Wakes`, `Lock.IsFair`, `Event.Wa...`, `Event.*`; `weft.hpp`, `v.size()`"), [])

    def test_a_missing_one_is_reported_with_its_line(self):
        self.assert_one(self.run_page("see\n`Event.Sleeps`"), "docs/page.md:2", "Event.Sleeps")

    def test_a_beginning_that_nothing_has_is_reported(self):
        self.assert_one(self.run_page("`Lock.Was...`"), "Lock.Was")

    def test_a_beginning_is_not_a_name(self):
        self.assert_one(self.run_page("`Lock.Is`"), "Lock.Is")


class Text(unittest.TestCase):
    def test_digit_separators_and_raw_strings_do_not_confuse(self):
        code, comments = cpp_text.split("int x = 1'000'000; // c\nauto s = R\"(// no \" comment)\"; int y;\n")
        self.assertIn("1'000'000;", code)
        self.assertIn("// c", comments)
        self.assertNotIn("no", comments)
        self.assertIn("int y;", code)


if __name__ == "__main__":
    unittest.main()
