"""Where a run took place: machine, kernel, compilers, commit."""

import datetime
import os
import platform
import re
import subprocess
from pathlib import Path


def first_line(*command):
    try:
        found = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.splitlines()[0].strip() if found.returncode == 0 and found.stdout else ""


def read(path):
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def memory_gib(what="MemTotal"):
    found = re.search(rf"^{what}:\s+(\d+) kB", read("/proc/meminfo"), re.M)
    return int(found.group(1)) / 2**20 if found else 0.0


def commit(source):
    git = ("git", "-c", f"safe.directory={source}", "-C", str(source))
    return first_line(*git, "describe", "--always", "--dirty", "--abbrev=12")


def compiler(folder):
    """Of the programs that were built there."""
    cache = read(folder / "CMakeCache.txt")
    found = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", cache, re.M)
    kind = re.search(r"^CMAKE_BUILD_TYPE:\w+=(.*)$", cache, re.M)
    return first_line(found.group(1), "--version") if found else "", kind.group(1) if kind else ""


def describe(source, folder):
    model = re.search(r"^model name\s*:\s*(.*)$", read("/proc/cpuinfo"), re.M)
    cxx, build = compiler(folder)
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M"),
        "machine": f"{model.group(1) if model else platform.machine()}, {len(os.sched_getaffinity(0))} CPUs, "
                   f"{memory_gib():.0f} GiB",
        "kernel": f"Linux {platform.release()}",
        "compiler": cxx, "build": build, "commit": commit(source),
        "go": first_line("go", "version"), "rustc": first_line("/usr/bin/rustc", "--version"),
        "load": os.getloadavg()[0],
    }
