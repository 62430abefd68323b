"""A run's results as one JSON document, and what can be read off it."""

import json
import statistics
from dataclasses import asdict

import figures
from contenders import LIMIT, STACKFUL, WEFT


def row_of(row, kinds, samples, size):
    """One row of the document. `samples`: {contender's name: [figures of each repetition]}."""
    return {"name": row.name, "title": row.title, "workload": row.workload, "variant": row.variant, "workers": row.workers,
            "size": size,
            "figures": [asdict(figure) for figure in row.figures],
            "contenders": [{"name": name, "kind": kinds[name], "repetitions": repetitions}
                           for name, repetitions in samples.items() if repetitions]}


def values(contender, key):
    return [one[key] for one in contender["repetitions"] if key in one]


def median(contender, key):
    found = values(contender, key)
    return statistics.median(found) if found else None


def named(row, name):
    return next((one for one in row["contenders"] if one["name"] == name), None)


def ours(row):
    """weft itself: where it takes part in several ways, the first."""
    return next((one for one in row["contenders"] if one["kind"] == WEFT), None)


def fastest(row, key, kinds):
    """The contender of these kinds with the least median, or None."""
    there = [(median(one, key), one["name"], one) for one in row["contenders"]
             if one["kind"] in kinds and median(one, key) is not None]
    return min(there)[2] if there else None


def best_peers(row, key):
    """(limit, best stackful peer, best of any kind), each a contender or None."""
    everybody = {one["kind"] for one in row["contenders"]} - {WEFT, LIMIT}
    return fastest(row, key, {LIMIT}), fastest(row, key, {STACKFUL}), fastest(row, key, everybody)


def goal_of(row, figure):
    """(what weft's median may be at most, in words) or None: an absolute goal, or one beside another contender."""
    if figure["beside"]:
        name, factor = figure["beside"]
        other = named(row, name)
        limit = median(other, figure["key"]) if other else None
        return (limit * factor, f"{factor:g} x {name}") if limit is not None else None
    if figure["goal"] is not None:
        return figure["goal"], figures.text(figure["goal"])
    return None


def met(row, figure):
    """Whether weft reaches the goal; None where there is none or it was not measured."""
    mine, goal = ours(row), goal_of(row, figure)
    if mine is None or goal is None or median(mine, figure["key"]) is None:
        return None
    return median(mine, figure["key"]) <= goal[0]


def write(document, path):
    path.write_text(json.dumps(document, indent=1) + "\n")


class Unreadable(RuntimeError):
    pass


def read(path):
    try:
        document = json.loads(path.read_text())
        if document["format"] != FORMAT:
            raise Unreadable(f"{path}: format {document['format']}, not {FORMAT}")
        return document
    except OSError as failure:
        raise Unreadable(f"{path}: {failure.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise Unreadable(f"{path}: not a result of ./dev bench") from None


FORMAT = 1
