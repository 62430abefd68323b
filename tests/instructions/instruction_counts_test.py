"""What the hot paths cost in instructions, which no noise of the machine touches: they must be within 3% of the table.

usage: instruction_counts_test.py PROGRAM TABLE COMPILER [--write]

PROGRAM: hot_paths. TABLE: instructions.txt beside this file. COMPILER: as "GNU 12"; other compilers than the table's emit
other code, and their counts are not compared. A path that got cheaper by more than 3% fails too, so that the table follows:
--write writes what was measured. Counted by valgrind's cachegrind as the difference between two runs, which leaves out all
that happens once. Exit codes: 0 passed, 1 failed, 77 cannot be counted here.
"""
import re
import shutil
import subprocess
import sys

TOLERANCE = 0.03
SHORT, LONG = 4000, 44000  # operations; multiples of the batch
SKIPPED = 77


def instructions_of_run(program: str, path: str, count: int) -> int:
    command = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null",
               program, path, str(count)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if run.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit code {run.returncode}\n{run.stderr}")
    return int(re.search(r"I\s+refs:\s+([\d,]+)", run.stderr)[1].replace(",", ""))


def instructions_each(program: str, path: str) -> float:
    return (instructions_of_run(program, path, LONG) - instructions_of_run(program, path, SHORT)) / (LONG - SHORT)


def read_table(name: str) -> tuple[str, dict[str, float]]:
    """The compiler it holds for, and the instructions of each path."""
    compiler, table = "", {}
    with open(name) as lines:
        for line in lines:
            if found := re.match(r"# compiler: (.+)", line):
                compiler = found[1]
            elif line.strip() and not line.startswith("#"):
                path, count = line.split()
                table[path] = float(count)
    return compiler, table


def write_table(name: str, compiler: str, measured: dict[str, float]) -> None:
    with open(name, "w") as out:
        out.write("# Instructions an operation, one worker, Release. Made by instruction_counts_test.py --write.\n"
                  f"# compiler: {compiler}\n")
        for path, count in measured.items():
            out.write(f"{path:<24}{count:8.1f}\n")


def compare(expected: dict[str, float], measured: dict[str, float]) -> list[str]:
    problems = [f"{path}: no longer measured" for path in expected.keys() - measured.keys()]
    for path, count in measured.items():
        if path not in expected:
            problems.append(f"{path}: not in the table")
        elif abs(count / expected[path] - 1) > TOLERANCE:
            problems.append(f"{path}: {count:.1f} instructions, {expected[path]:.1f} in the table "
                            f"({count / expected[path] - 1:+.1%}); if this is meant, run again with --write")
    return problems


def main() -> int:
    program, table, compiler = sys.argv[1:4]
    write = sys.argv[4:] == ["--write"]
    if shutil.which("valgrind") is None:
        print("no valgrind")
        return SKIPPED
    wanted, expected = read_table(table) if not write else (compiler, {})
    if compiler != wanted:
        print(f"the table is of {wanted}, this build of {compiler}")
        return SKIPPED
    paths = subprocess.run([program], capture_output=True, text=True, check=True).stdout.split()
    measured = {path: instructions_each(program, path) for path in paths}
    for path, count in measured.items():
        print(f"{path:<24}{count:8.1f}   table: {expected.get(path, float('nan')):8.1f}")
    if write:
        write_table(table, compiler, measured)
        return 0
    problems = compare(expected, measured)
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
