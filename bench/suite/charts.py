"""Results as charts, SVG and PNG, by Matplotlib: bars for each row, and one chart of all ratios."""

import matplotlib
import figures
import results
from contenders import LIMIT, STACKFUL, STACKLESS, THREADS, WEFT

matplotlib.use("Agg")
matplotlib.rcParams["svg.hashsalt"] = "weft"  # the same results make the same file
matplotlib.rcParams["font.family"] = "DejaVu Sans"
import matplotlib.pyplot as plot  # noqa: E402: after the choice of what draws

COLOURS = {WEFT: "#0b6e4f", STACKFUL: "#c8553d", STACKLESS: "#4a6fa5", THREADS: "#8d6a9f", LIMIT: "#9a9a9a"}
NAMES = {WEFT: "weft", STACKFUL: "stackful", STACKLESS: "stackless", THREADS: "threads", LIMIT: "what the machine allows"}
STROKE = {"marker": "|", "markersize": 8, "markeredgewidth": 2}
MARKERS = "os^DvPX<>hd*p8H"
LOGARITHMIC_FROM = 30  # how many times the least the greatest must be


def save(figure, folder, name):
    for kind in ("svg", "png"):
        figure.savefig(folder / f"{name}.{kind}", dpi=130, bbox_inches="tight", metadata={"Date": None} if kind == "svg" else None)
    plot.close(figure)


def tidy(axes):
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)


def one_row(row, folder):
    figure_of = row["figures"][0]
    key = figure_of["key"]
    there = [one for one in row["contenders"] if results.median(one, key) is not None]
    if not there:
        return
    there.sort(key=lambda one: results.median(one, key), reverse=True)
    middles = [results.median(one, key) for one in there]
    away = [[m - min(results.values(one, key)) for m, one in zip(middles, there)],
            [max(results.values(one, key)) - m for m, one in zip(middles, there)]]
    figure, axes = plot.subplots(figsize=(7.5, 0.8 + 0.38 * len(there)))
    bars = axes.barh([one["name"] for one in there], middles, xerr=away, color=[COLOURS[one["kind"]] for one in there],
                     height=0.68, error_kw={"elinewidth": 0.9, "ecolor": "#333333", "capsize": 2})
    positive = [m for m in middles if m > 0]
    if positive and max(positive) > LOGARITHMIC_FROM * min(positive):
        axes.set_xscale("log")
        axes.set_xlim(left=min(positive) / 2, right=max(positive) * 4)
    else:
        axes.set_xlim(left=0, right=1.15 * max(m + a for m, a in zip(middles, away[1])) or 1)
    axes.bar_label(bars, [figures.text(m) for m in middles], padding=6, fontsize=8.5)
    goal = results.goal_of(row, figure_of)
    if goal and goal[0] > 0:
        axes.axvline(goal[0], color=COLOURS[WEFT], linewidth=1, linestyle="--")
        axes.text(goal[0], len(there) - 0.45, f"goal {figures.text(goal[0])}", fontsize=8, color=COLOURS[WEFT], ha="center")
    axes.set_title(row["title"], fontsize=11, loc="left", pad=14)
    axes.set_xlabel(f"{figure_of['unit']} {figure_of['what']}".strip() + ": median, least and most; less is better", fontsize=8.5)
    tidy(axes)
    save(figure, folder, row["name"])


def markers_of(contenders):
    """The same mark for a contender in every row: a stroke for what the machine allows, a shape of its own for each peer."""
    kinds = {one["name"]: one["kind"] for one in contenders}
    peers = sorted(name for name, kind in kinds.items() if kind != LIMIT)
    shapes = {name: {"marker": MARKERS[number % len(MARKERS)], "markersize": 6.5, "markeredgewidth": 0}
              for number, name in enumerate(peers)}
    return {**shapes, **{name: STROKE for name in kinds if name not in shapes}}


def summary(document, folder):
    """All rows in one: how many times weft's figure the others' are."""
    rows = []
    for row in document["rows"]:
        mine, key = results.ours(row), row["figures"][0]["key"]
        if mine is None or not results.median(mine, key):
            continue
        others = [(results.median(one, key) / results.median(mine, key), one) for one in row["contenders"]
                  if one["kind"] != WEFT and results.median(one, key)]
        if others:
            rows.append((row, others))
    if not rows:
        return
    rows.reverse()  # the first on top
    figure, axes = plot.subplots(figsize=(10, 1.2 + 0.27 * len(rows)))
    markers = markers_of(one for _, others in rows for _, one in others)
    for place, (row, others) in enumerate(rows):
        axes.axhline(place, color="#ececec", linewidth=0.8, zorder=0)
        for times, one in others:
            axes.plot(times, place, color=COLOURS[one["kind"]], alpha=0.9, **markers[one["name"]])
    axes.axvline(1, color=COLOURS[WEFT], linewidth=1.6)
    axes.set_xscale("log")
    axes.set_yticks(range(len(rows)), [row["title"] for row, _ in rows], fontsize=8.5)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda x, _: f"{x:g}x"))
    axes.set_xlabel("times what weft takes, medians of one run: right of the line weft is ahead", fontsize=9)
    for kind in (STACKFUL, STACKLESS, THREADS):
        for name in sorted({one["name"] for _, others in rows for _, one in others if one["kind"] == kind}):
            axes.plot([], [], linestyle="", color=COLOURS[kind], label=f"{name} ({NAMES[kind]})", **markers[name])
    axes.plot([], [], linestyle="", color=COLOURS[LIMIT], label=NAMES[LIMIT], **STROKE)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8.5)
    tidy(axes)
    save(figure, folder, "summary")


def growth(document, folder):
    """The same workload at growing sizes, where a run has it at three or more: a line for each contender."""
    groups = {}
    for row in document["rows"]:
        if row["size"]:
            groups.setdefault((row["workload"], row["variant"], row["workers"]), []).append(row)
    for (workload, _, _), rows in groups.items():
        if len({row["size"] for row in rows}) < 3:
            continue
        rows.sort(key=lambda row: row["size"])
        figure, axes = plot.subplots(figsize=(7.5, 4))
        key, unit = rows[0]["figures"][0]["key"], f"{rows[0]['figures'][0]['unit']} {rows[0]['figures'][0]['what']}"
        markers = markers_of(one for row in rows for one in row["contenders"])
        for name, marker in sorted(markers.items()):
            there = [(row["size"], results.median(results.named(row, name), key), results.named(row, name)["kind"])
                     for row in rows if results.named(row, name) and results.median(results.named(row, name), key)]
            if there:
                axes.plot([size for size, _, _ in there], [value for _, value, _ in there], label=name,
                          color=COLOURS[there[0][2]], linewidth=2.2 if there[0][2] == WEFT else 1.1, **marker)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("fibers", fontsize=9)
        axes.set_ylabel(unit.strip(), fontsize=9)
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8.5)
        axes.set_title(f"{workload}: how the cost grows", fontsize=11, loc="left")
        tidy(axes)
        save(figure, folder, f"growth-{workload.replace('_', '-')}")


def draw(document, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for row in document["rows"]:
        one_row(row, folder)
    growth(document, folder)
    summary(document, folder)
