"""Results as Markdown: one table of goals, and one table for each row."""

import figures
import results
from contenders import WEFT

text = figures.text


def heading(document):
    where = document["machine"]
    asked = document["options"]
    lines = [f"{where['machine']}, {where['kernel']}, {where['compiler']}, {where['build']}, commit {where['commit']}, "
             f"{where['date']} UTC.",
             f"{asked['repetitions']} repetitions in turns" + (", quick" if asked["quick"] else "") +
             f"; load of the machine at the start {where['load']:.2f}."]
    return "\n".join(lines)


def cell(contender, key):
    if contender is None or results.median(contender, key) is None:
        return ""
    return f"{text(results.median(contender, key))} {contender['name']}"


def goals(document):
    """Every figure for which weft has a goal, and the rows' first figures."""
    lines = ["| workload | figure | limit here | best stackful peer | best of any kind | weft | goal | met |",
             "|---|---|---|---|---|---|---|---|"]
    for row in document["rows"]:
        mine = results.ours(row)
        for number, figure in enumerate(row["figures"]):
            goal, key = results.goal_of(row, figure), figure["key"]
            if mine is None or results.median(mine, key) is None or number > 0 and goal is None:
                continue
            limit, stackful, anyone = results.best_peers(row, key)
            if anyone is stackful:
                anyone = None
            verdict = {True: "yes", False: "**no**", None: ""}[results.met(row, figure)]
            lines.append(f"| {row['title']} | {figure['unit']} {figure['what']} | {cell(limit, key)} | {cell(stackful, key)} "
                         f"| {cell(anyone, key)} | **{text(results.median(mine, key))}** | {goal[1] if goal else ''} "
                         f"| {verdict} |")
    return "\n".join(lines)


def repetitions(row):
    counts = sorted({len(one["repetitions"]) for one in row["contenders"]})
    return " to ".join(str(n) for n in (counts if len(counts) < 3 else (counts[0], counts[-1]))) + " repetitions"


def one_row(row):
    """Medians with their spread, and how many times weft's each is."""
    mine = results.ours(row)
    first = row["figures"][0]["key"]
    names = [f"{figure['unit']} {figure['what']}".strip() for figure in row["figures"]]
    lines = [f"### {row['title']}", "", repetitions(row), "", "| | " + " | ".join(names) + " | to weft |", "|---|" + "---|" * (len(names) + 1)]
    for one in sorted(row["contenders"], key=lambda c: results.median(c, first) or 0):
        cells = []
        for figure in row["figures"]:
            found = results.values(one, figure["key"])
            cells.append(f"{text(results.median(one, figure['key']))} ± {figures.spread(found):.0%}" if found else "")
        beside = ""
        if mine is not None and one is not mine and results.values(mine, first):
            samples = results.values(one, first), results.values(mine, first)
            interval = figures.ratio_interval(*samples)
            if interval:
                beside = f"{figures.ratio(*samples):.2f} ({interval[0]:.2f} to {interval[1]:.2f})"
        name = f"**{one['name']}**" if one["kind"] == WEFT else one["name"]
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {beside} |")
    return "\n".join(lines)


def whole(document):
    parts = ["# Benchmark results", "", heading(document), "",
             "Medians; ± half the distance of the quartiles; ratios of medians with 95% of their resampled values.", "",
             "## Goals", "", goals(document), "", "## Workloads"]
    for row in document["rows"]:
        parts += ["", one_row(row)]
    if document["failures"]:
        parts += ["", "## Failures", ""] + [f"- {one.splitlines()[0]}" for one in document["failures"]]
    return "\n".join(parts) + "\n"
