#!/usr/bin/env python3
"""The examples of docs/guide: taken out of the pages, compiled as one program a page, run and compared.

In a page, a ```cpp block with `int main() {` is a whole program. A ```text block directly after it is exactly what it
prints (standard error is not looked at), and it ends with 0. A ```cpp block without main is the body of a function: it
is compiled and not run. ```c++ is not compiled. What stands in an HTML comment does not exist.

    guide.py extract <page> <output.cpp>    one source of all the page's blocks; its main runs the one with the given number
    guide.py list <page>                    the numbers of its programs
    guide.py run <page> <program> <number>  runs one and compares
    guide.py links <root> <page>...         do the relative links lead to something?
"""

import difflib
import re
import subprocess
import sys
from pathlib import Path

# What a program must include for itself: the blocks of a page are compiled in one file, where one would not miss it.
HEADERS = {
    r"\bstd::(printf|puts|fflush)\b": "cstdio", r"\bstd::(chrono|literals)|\bstd::chrono_literals": "chrono",
    r"\bstd::vector\b": "vector", r"\bstd::(string|to_string)\b": "string", r"\bstd::optional\b": "optional",
    r"\bstd::(thread|jthread|this_thread)\b": "thread", r"\bstd::runtime_error\b": "stdexcept",
    r"\bstd::(mutex|unique_lock|lock_guard|scoped_lock)\b": "mutex", r"\bstd::atomic\b": "atomic",
    r"\bstd::(unique_ptr|shared_ptr|make_unique|make_shared)\b": "memory", r"\bstd::function\b": "functional",
    r"\bstd::shared_lock\b": "shared_mutex", r"\bstd::(swap|move|exchange|forward)\b": "utility", r"\bstd::system_error\b": "system_error",
}


class PageError(Exception):
    pass


class Block:
    def __init__(self, page, line, language, code):
        self.page, self.line, self.language, self.code = page, line, language, code
        self.output = None  # lines of the text block after it
        self.followed = True  # nothing but blank lines has come after it
        self.number = 0     # of a program, from 1

    @property
    def is_program(self):
        return self.language == "cpp" and any(re.match(r"int main\(\) \{", line) for line in self.code)

    @property
    def is_fragment(self):
        return self.language == "cpp" and not self.is_program

    def where(self):
        return f"{self.page}:{self.line}"


def blocks_of(path, shown_as=None):
    """The fenced blocks of a page, outside HTML comments."""
    page = shown_as or path
    found, open_block, commented, last_closed = [], None, False, None
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").split("\n"), 1):
        if open_block is not None:
            if line.startswith("```"):
                found.append(open_block)
                last_closed, open_block = open_block, None
                if last_closed.language in ("text", "output") and len(found) > 1 and found[-2].followed:
                    found[-2].output = last_closed.code
            else:
                open_block.code.append(line)
            continue
        if commented or line.startswith("<!--"):
            commented = "-->" not in line
            continue
        if line.startswith("```"):
            open_block = Block(page, number, line[3:].strip(), [])
            continue
        if line.strip() and found:
            found[-1].followed = False  # an output block belongs to the block directly before it
    if open_block is not None:
        raise PageError(f"{open_block.where()}: this block is not closed")
    if commented:
        raise PageError(f"{page}: an HTML comment is not closed")
    programs = [b for b in found if b.is_program]
    for i, program in enumerate(programs, 1):
        program.number = i
    return found


def body(block, tail):
    """The block without its includes, which become blank lines so that the compiler's line numbers stay the page's."""
    lines, in_main = [], False
    for line in block.code:
        if line.startswith("#include"):
            lines.append("")
        elif re.match(r"int main\(\) \{", line):
            in_main = True
            lines.append(line.replace("int main()", "int example_main()", 1))
        elif in_main and line == "}":
            in_main = False
            lines.append(tail + line)
        else:
            lines.append(line)
    if in_main:
        raise PageError(f"{block.where()}: the end of main is not a line with '}}' alone")
    return "\n".join(lines)


def check_includes(block):
    text = "\n".join(line.split("//")[0] for line in block.code)
    if "#include <weft/" not in text:
        raise PageError(f"{block.where()}: the program includes nothing of weft")
    for pattern, header in HEADERS.items():
        if re.search(pattern, text) and f"#include <{header}>" not in text:
            raise PageError(f"{block.where()}: the program needs #include <{header}>")


def extract(page, output):
    blocks = blocks_of(page)
    programs = [b for b in blocks if b.is_program]
    includes = {line.split("//")[0].rstrip() for b in blocks if b.language == "cpp" for line in b.code
                if line.startswith("#include")}
    text = [f"// The examples of {page}. Made by tests/guide/guide.py.",
            *sorted(includes | {"#include <chrono>", "#include <cstdio>", "#include <cstdlib>", "#include <weft/weft.hpp>"})]
    for b in blocks:
        at = f'#line {b.line + 1} "{page}"'
        if b.is_program:
            check_includes(b)
            text += [f"namespace example_{b.number} {{", at, body(b, "  return 0;  "), "}"]
        elif b.is_fragment:
            if any(line.startswith("int main") for line in b.code):
                raise PageError(f"{b.where()}: write main as `int main() {{`")
            text += ["#pragma GCC diagnostic push", '#pragma GCC diagnostic ignored "-Wunused-variable"', "namespace {",
                     f"[[maybe_unused]] void fragment_{b.line}() {{", "using namespace std::chrono_literals;", at,
                     body(b, ""), "}", "}", "#pragma GCC diagnostic pop"]
    text += [f'#line 1 "{output}"', "int main(int count, char** arguments) {",
             "  switch (count == 2 ? std::atoi(arguments[1]) : 0) {",
             *(f"    case {p.number}: return example_{p.number}::example_main();" for p in programs),
             '    default: std::fputs("which example?\\n", stderr); return 2;', "  }", "}", ""]
    new = "\n".join(text)
    output = Path(output)
    if not output.exists() or output.read_text(encoding="utf-8") != new:  # else nothing is compiled again
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(new, encoding="utf-8")


def run(page, program, number):
    """The message for what is wrong, or None."""
    found = [b for b in blocks_of(page) if b.is_program and b.number == number]
    if not found:
        return f"{page}: there is no example {number} any more"
    block = found[0]
    if block.output is None:
        return f"{block.where()}: this example has no ```text block with its output directly after it"
    done = subprocess.run([program, str(number)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    errors = done.stderr.decode(errors="replace")
    if done.returncode != 0:
        return f"{block.where()}: this example ended with {done.returncode}\n{done.stdout.decode(errors='replace')}{errors}"
    expected = "".join(line + "\n" for line in block.output)
    actual = done.stdout.decode(errors="replace")
    if actual != expected:
        diff = "\n".join(difflib.unified_diff(expected.splitlines(), actual.splitlines(), "the page", "the program", lineterm=""))
        return f"{block.where()}: this example prints something else than the page says\n{diff}\n{errors}"
    return None


def broken_links(root, pages):
    problems = []
    for page in pages:
        commented = in_block = False
        for number, line in enumerate(Path(page).read_text(encoding="utf-8").split("\n"), 1):
            in_block ^= line.startswith("```")
            commented = commented or (line.startswith("<!--") and not in_block)
            if not commented and not in_block:
                for target in re.findall(r"\]\(([^)#]+)[^)]*\)", re.sub(r"`[^`]*`", "", line)):
                    if "://" not in target and not (Path(page).parent / target).exists():
                        problems.append(f"{Path(page).relative_to(root)}:{number}: the link to {target} leads nowhere")
            commented = commented and "-->" not in line
    return problems


def main(arguments):
    match arguments:
        case ["extract", page, output]:
            extract(page, output)
        case ["list", page]:
            print(";".join(str(b.number) for b in blocks_of(page) if b.is_program), end="")
        case ["run", page, program, number]:
            return run(page, program, int(number))
        case ["links", root, *pages]:
            return "\n".join(broken_links(root, pages)) or None
        case _:
            return __doc__
    return None


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (PageError, OSError) as problem:
        sys.exit(str(problem))
