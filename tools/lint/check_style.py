#!/usr/bin/env python3
"""The house rules that a script can see.

- No source file is longer than 400 lines (tests: 800): one concept each.
- `thread_local` stands only in the accessor files listed here: a thread-local *address* held over a switch may belong
  to another thread afterwards, and only a function the optimizer cannot look into keeps it from being held.
- `errno` stands only in the files that make system calls and copy it at once, and the thread's identity only where no
  fiber runs: both belong to the thread, which runs another fiber during each wait.
- No `#if` inside a function body: what differs by platform or option is a twin type or a file of its own.
- No tabs, no blanks at the end of a line. (The rest of the layout is .clang-format's.)
"""

import re

import cpp_text

MAX_LINES, MAX_TEST_LINES = 400, 800
# Where `thread_local` may stand, each behind one accessor function.
THREAD_LOCAL_FILES = {
    "src/sched/current.cpp",         # the worker that runs this thread: what fibers see of their thread
    "src/sched/current.hpp",         # its declaration
    "src/fiber/thread_parker.cpp",   # how a plain thread waits: no fiber switch happens while its address is in use
    "src/base/debug_checks.cpp",     # locks the thread holds: no fiber switch happens while it holds one
    "src/sched/fiber_local.cpp",     # fiber_local on a plain thread: likewise
}
# Where `errno` may stand: each copies it on the line after the system call.
ERRNO_FILES = {
    "src/base/futex.cpp",
    "src/stack/os.cpp",
    "src/io/os.cpp",
    "src/net/resolve.cpp",           # getaddrinfo, on a thread of the blocking pool
    "src/dns/socket_set.cpp",        # a library beside the core, which cannot see src/io/os.hpp
    "src/sched/crash_reports.cpp",   # a signal handler keeps it for whom it interrupts
}
# Where code may ask which thread it is.
THREAD_ID_FILES = {
    "src/context/sanitizer.cpp",     # a thread adopts its own stack
    "src/io/blocking_pool.cpp",      # threads of the pool, which run no fibers
    "src/sched/this_fiber.cpp",      # what a plain thread is told of its stack
    "src/sched/worker_thread.cpp",   # a worker's thread when it begins, for debuggers
}
_ERRNO = re.compile(r"\berrno\b")
_THREAD_ID = re.compile(r"\bthis_thread\s*::\s*get_id\b|\bpthread_self\b|\bSYS_gettid\b|\bgettid\s*\(|\bthrd_current\b")
_THREAD_LOCAL = re.compile(r"\b(thread_local|__thread)\b")
_CONDITIONAL = re.compile(r"^[ \t]*#[ \t]*(if|ifdef|ifndef|elif|else)\b")
_SCOPE = re.compile(r"\b(namespace|class|struct|union|enum)\b|\bextern\s*$")


def opens_scope(head):
    """Whether the text before a '{' begins a namespace or a type, rather than a function, a block or a value."""
    head = re.sub(r"\[\[.*?\]\]|\balignas\s*\([^()]*(\([^()]*\))?[^()]*\)|\b__attribute__\s*\(\(.*?\)\)", " ", head, flags=re.S)
    head = re.sub(r"\btemplate\s*<.*>\s*(requires\b.*?)?(?=\b(class|struct|union)\b)", " ", head, flags=re.S)
    return bool(_SCOPE.search(head)) and not re.search(r"[)=]\s*(const|noexcept|override|final|mutable)*\s*$", head)


def conditionals_in_bodies(code):
    """Line numbers of preprocessor conditionals inside a function body."""
    found, inside, head = [], [], ""  # inside: one entry per open brace, True when it is a function's
    continued = False
    for number, line in enumerate(code.split("\n"), 1):
        if continued or line.lstrip().startswith("#"):
            if not continued and _CONDITIONAL.match(line) and any(inside):
                found.append(number)
            continued = line.endswith("\\")
            continue
        for char in line + "\n":
            if char == "{":
                inside.append(not opens_scope(head))
                head = ""
            elif char == "}":
                if inside:
                    inside.pop()
                head = ""
            elif char == ";":
                head = ""
            else:
                head += char
    return found


def check(root):
    problems, count = [], 0
    for path in cpp_text.sources(root, "include", "src", "tools", "tests", "bench", "examples"):
        count += 1
        name, text = path.as_posix(), (root / path).read_text(encoding="utf-8")
        lines = text.split("\n")
        code, _ = cpp_text.split(text)
        is_test = path.parts[0] == "tests"
        limit = MAX_TEST_LINES if is_test else MAX_LINES
        if text.count("\n") > limit:
            problems.append(f"{name}:{limit + 1}: {text.count(chr(10))} lines; one concept a file, {limit} at most")
        for number, line in enumerate(lines, 1):
            if "\t" in line or line.endswith((" ", "\r")):
                problems.append(f"{name}:{number}: a tab, or blanks at the end of the line")
        if path.parts[0] not in ("include", "src"):
            continue  # the rest is about the library itself
        for number, line in enumerate(code.split("\n"), 1):
            if _THREAD_LOCAL.search(line) and name not in THREAD_LOCAL_FILES:
                problems.append(f"{name}:{number}: thread_local outside the accessor files ({', '.join(sorted(THREAD_LOCAL_FILES))})")
            if _ERRNO.search(line) and name not in ERRNO_FILES and not line.lstrip().startswith("#"):
                problems.append(f"{name}:{number}: errno outside the files that copy it at once ({', '.join(sorted(ERRNO_FILES))})")
            if _THREAD_ID.search(line) and name not in THREAD_ID_FILES:
                problems.append(f"{name}:{number}: the identity of the thread, which a fiber shares with others "
                                f"(allowed: {', '.join(sorted(THREAD_ID_FILES))})")
        for number in conditionals_in_bodies(code):
            problems.append(f"{name}:{number}: a preprocessor conditional inside a function body")
    return count, problems


if __name__ == "__main__":
    cpp_text.main(check, "style")
