"""Two runs side by side: what weft does slower or faster than it did, beyond what noise explains.

The peers of a row have not changed between the runs, so what their medians did is the machine's doing: the change of
weft's median is divided by theirs. It counts where the interval in which that quotient is known leaves one.
"""

import statistics

import figures
import results
from contenders import WEFT

LEAST_CHANGE = 0.05  # smaller ones are not told, however sure


def drift(old, new, key):
    """How many times slower the machine was for those of the row that are not weft; 1 where there is nobody else."""
    changes = []
    for one in new["contenders"]:
        before = results.named(old, one["name"])
        if one["kind"] != WEFT and before and results.values(before, key) and results.values(one, key):
            change = figures.ratio(results.values(one, key), results.values(before, key))
            if change:
                changes.append(change)
    return statistics.median(changes) if changes else 1.0


def change_of(old, new, figure):
    """(change, low, high, drift) of weft's figure, or None where one of the runs has it not."""
    key, before, after = figure["key"], results.ours(old), results.ours(new)
    if before is None or after is None or not results.values(before, key) or not results.values(after, key):
        return None
    samples = results.values(after, key), results.values(before, key)
    interval, beside = figures.ratio_interval(*samples), drift(old, new, key)
    if interval is None or figures.ratio(*samples) is None:
        return None
    return figures.ratio(*samples) / beside, interval[0] / beside, interval[1] / beside, beside


def verdict(change):
    middle, low, high, _ = change
    if low > 1 and middle > 1 + LEAST_CHANGE:
        return "slower"
    if high < 1 and middle < 1 - LEAST_CHANGE:
        return "faster"
    return ""


def compare(old, new):
    """(Markdown, whether anything is slower)."""
    earlier = {row["name"]: row for row in old["rows"]}
    lines = [f"From {old['machine']['commit']} ({old['machine']['date']}) to {new['machine']['commit']} "
             f"({new['machine']['date']})."]
    for what in ("machine", "kernel", "compiler"):
        if old["machine"][what] != new["machine"][what]:
            lines.append(f"**Not the same {what}**: {old['machine'][what]}; {new['machine'][what]}.")
    lines += ["", "| workload | before | now | change, others' taken off | 95% | others' | |", "|---|---|---|---|---|---|---|"]
    slower = missing = 0
    for row in new["rows"]:
        if row["name"] not in earlier:
            missing += 1
            continue
        for figure in row["figures"]:
            change = change_of(earlier[row["name"]], row, figure)
            if change is None:
                continue
            said = verdict(change)
            slower += said == "slower"
            before = results.median(results.ours(earlier[row["name"]]), figure["key"])
            now = results.median(results.ours(row), figure["key"])
            lines.append(f"| {row['title']}{', ' + figure['what'] if figure['what'] else ''} | {figures.text(before)} "
                         f"| {figures.text(now)} {figure['unit']} | {change[0]:.2f} | {change[1]:.2f} to {change[2]:.2f} "
                         f"| {change[3]:.2f} | {said} |")
    lines += ["", f"{slower} slower." + (f" {missing} rows are new." if missing else "")]
    return "\n".join(lines) + "\n", slower > 0
