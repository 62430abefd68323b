#!/usr/bin/env python3
"""Switches the answers to hazards off, one at a time, and sees whether a test notices.

usage: hazards.py FOLDER [NAME...]     FOLDER: a copy of the tree, which is changed and built; NAME: mutants, all by default

Each mutant is one replacement in one file, the program to build and the tests that have to fail: docs/hazards.md says which hazard they
are of. Unchanged, they have to pass first. A program that crashes or does not end in five minutes has failed, too. Prints a line for
each mutant, and ends with 1 when one survives or could not be tried.
"""
import os
import pathlib
import subprocess
import sys

# name, file, what stands there, what is put in its place, program, tests
MUTANTS = [
    ("unmasked_unwinding", "src/sched/hot_path.hpp",
     "return b.shields == 0 && b.uncaught_below == 0 && uncaught == 0 ?", "return b.shields == 0 && uncaught != 0x7fffffff ?",
     "task_tests", "Cancellation.IsMaskedWhileUnwindingAndPendingAfterwards"),
    ("detached_exceptions_kept", "src/sched/dispatch.cpp",
     "if (detached && (r.options & option_scoped) == 0) {", "if (false && detached) {",
     "sched_tests", "Failure.OfADetachedFiber*"),
    ("cancellation_point_not_noted", "src/sched/park.cpp",
     "    w->current->block->stopped_in = what;\n    count", "    w->current->block->stopped_in = what != nullptr ? nullptr : what;\n    count",
     "task_tests", "*CancellationUnderNoexceptReport*"),
    ("cancellation_not_counted", "src/sched/park.cpp",
     "    count_cancellation(*w);\n", "    if (false) count_cancellation(*w);\n",
     "task_tests", "SwallowedCancellation.*"),
    ("marker_probe_believes", "src/stack/guard.cpp",
     "madv_guard_install) == 0 && os().read_by_kernel(at) == EFAULT;", "madv_guard_install) == 0;",
     "stack_tests", "Guard.ProbeBelieves*"),
    ("no_budget_of_mappings", "src/stack/guard.cpp",
     "done < count && used + 2 <= budget();", "done < count && used + 2 <= budget() + (1U << 30);",
     "stack_tests", "Guard.ProtectionEndsAtTheBudget*"),
    ("locked_stays_locked", "src/stack/slab.cpp",
     "  static_cast<void>(os().unlock(first, (in.slots - open) * in.slot_bytes));\n", "",
     "stack_tests", "Limits.LockedProcesses*"),
    ("huge_pages_allowed", "src/stack/slab.cpp",
     "os().advise(out, bytes, MADV_NOHUGEPAGE)", "0",
     "stack_tests", "Scale.HugePages*"),
    ("scrub_zeroes_nothing", "src/stack/scrub.cpp",
     "      return zero(s);", "      return;",
     "stack_tests", "Scrub.*"),
    ("crash_handler_on_the_fibers_stack", "src/sched/crash_reports.cpp",
     "SA_SIGINFO | SA_ONSTACK", "SA_SIGINFO",
     "sched_tests", "CrashReports.*"),
    ("no_check_of_no_suspend", "src/sched/join.cpp",
     "WEFT_CHECK((self.ctx.owner_bits & flag_no_suspend) == 0, \"suspension", "WEFT_CHECK(true, \"suspension",
     "sched_tests", "NoSuspend.*"),
    ("event_delivers_before_its_last_touch", "src/sync/event.cpp",
     "  unlock_queue(word_, flag);  // the last touch\n  woken.deliver_all();", "  woken.deliver_all();\n  unlock_queue(word_, flag);",
     "sync_tests", "*Lifetime*"),
    ("stop_callback_removed_while_it_runs", "src/fiber/stop_state.cpp",
     "running_ == &node && runner_ != me", "running_ == &node && runner_ != me && false",
     "sync_tests", "*StopCallback*"),
    ("sockets_inherited", "src/io/os.cpp",
     "type | SOCK_NONBLOCK | SOCK_CLOEXEC", "type | SOCK_NONBLOCK",
     "net_tests", "Fork.ProgramsThatAreExecuted*"),
    ("openssl_errors_kept", "src/tls/openssl_section.hpp",
     "openssl_section() noexcept : no_suspend_(\"inside of OpenSSL\") { ERR_clear_error(); }",
     "openssl_section() noexcept : no_suspend_(\"inside of OpenSSL\") {}",
     "tls/tls_tests", "TlsHazard.*"),
    ("thread_guard_lets_suspend", "include/weft/sync/thread_guard.hpp",
     "  no_suspend section_;", "  struct unchecked { explicit unchecked(const char*) {} } section_;",
     "base_tests", "ThreadGuard.*"),
    ("switch_tells_unwinders_wrong", "src/context/x86_64_switch.hpp",  # where the return address was saved
     ".cfi_escape 0x10, 0x10, 0x02, 0x75, 0x10", ".cfi_escape 0x10, 0x10, 0x02, 0x75, 0x08",
     "sched_tests", "StackSampler.*"),
    ("guard_of_one_page", "src/stack/guard.hpp",
     "wanted = std::size_t{64} * 1024;", "wanted = std::size_t{4} * 1024;",
     "stack_tests", "Guard.FramesUpToSixty*"),
    ("signal_frame_not_counted", "src/stack/size.cpp",
     "< signal_frame_bytes + own_need)", "< (signal_frame_bytes & 0) + own_need)",
     "stack_tests", "StackSize.*"),
    ("no_smaller_steps", "src/stack/slab.cpp",
     "error != 0 && less >= slot_bytes;", "error != 0 && less >= slot_bytes && bytes == 0;",
     "stack_tests", "Limits.*"),
    ("ring_has_the_buffer_still", "src/io/ring.cpp",
     "    waiter w{point::no, what};\n    request.owner = &w;", "    if (asked) return;\n    waiter w{point::no, what};\n    request.owner = &w;",
     "io_tests", "Ring.*"),
    ("ring_asked_for_what_it_lacks", "src/io/worker_poller.hpp",
     "return mine != nullptr && mine->has(call) ? mine : nullptr;", "return mine != nullptr || call == ring_call::poll ? mine : nullptr;",
     "io_tests", "*RingWithout*"),
    ("parked_fibers_left_at_the_end", "src/sched/runtime.cpp",
     "  if (quiescent()) return;  // the usual end", "  if (quiescent() || !stopping.load()) return;  // the usual end",
     "sched_tests", "Runtime.ItsEndRunsEveryDestructorExactlyOnce"),
    ("runtime_ended_by_its_own_fiber", "src/sched/runtime.cpp",
     "WEFT_CHECK(w == nullptr || w->rt != impl_, \"a runtime cannot be", "WEFT_CHECK(w == nullptr || w->rt != nullptr, \"a runtime cannot be",
     "sched_tests", "ProcessEnd.ExitInAFiberOfAStaticRuntimeIsReported"),
    ("names_looked_up_on_the_worker", "src/net/resolve.cpp",
     "  return blocking(\n      [&, host = std::string(host), service = std::string(service)] { return look_up(host, service, error); });",
     "  return look_up(std::string(host), std::string(service), error);",
     "net_tests", "*Resolve*"),
]
SECONDS = 300


def build_and_test(folder, program, tests):
    """What is wrong: None when the tests pass, else a few words. \raises RuntimeError where nothing could be tested."""
    target = program.split("/")[-1]
    build = subprocess.run(["cmake", "--build", folder / "build/mutants", "--target", target], capture_output=True, text=True,
                           errors="replace")
    if build.returncode != 0:
        raise RuntimeError("DOES NOT BUILD\n" + build.stdout[-2000:])
    command = [folder / "build/mutants/tests" / program, "--gtest_brief=1", f"--gtest_filter={tests}"]
    try:
        test = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=SECONDS,
                              env={**os.environ, "WEFT_SOAK": "0"})
    except subprocess.TimeoutExpired:
        return "it hung"
    if test.returncode < 0:
        return f"it died of signal {-test.returncode}"
    if "[==========] 0 tests" in test.stdout:
        raise RuntimeError("DOES NOT NAME A TEST")
    failed = sum(line.startswith("[  FAILED  ]") and "ms)" in line for line in test.stdout.splitlines())
    return None if test.returncode == 0 else f"{failed} tests failed"


def run(folder, mutant):
    """What became of one mutant."""
    _, file, old, new, program, tests = mutant
    path = folder / file
    original = path.read_text(encoding="utf-8")
    if original.count(old) != 1:
        return "DOES NOT APPLY"
    try:
        if wrong := build_and_test(folder, program, tests):
            return f"DOES NOT PASS UNCHANGED: {wrong}"
        path.write_text(original.replace(old, new), encoding="utf-8")
        wrong = build_and_test(folder, program, tests)
        return "SURVIVED" if wrong is None else f"caught: {wrong}"
    except (RuntimeError, OSError) as e:
        return str(e) if isinstance(e, RuntimeError) else f"DOES NOT RUN: {e}"
    finally:
        path.write_text(original, encoding="utf-8")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1]).resolve()
    wanted = sys.argv[2:] or [m[0] for m in MUTANTS]
    unknown = set(wanted) - {m[0] for m in MUTANTS}
    if unknown:
        sys.exit(f"no such mutant: {', '.join(sorted(unknown))}")
    configure = ["cmake", "-S", folder, "-B", folder / "build/mutants", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                 "-DWEFT_BUILD_BENCH=OFF", "-DWEFT_BUILD_EXAMPLES=OFF", "-DWEFT_BUILD_TOOLS=OFF"]
    subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)
    bad = 0
    for mutant in MUTANTS:
        if mutant[0] in wanted:
            outcome = run(folder, mutant)
            bad += not outcome.startswith("caught")
            print(f"{mutant[0]}: {outcome}", flush=True)
    print(f"mutants: {len(wanted)}")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
