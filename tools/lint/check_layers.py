#!/usr/bin/env python3
"""Includes go downward only: a file may include its own layer and lower ones; a public header no private one.

The layers and their order are those of docs/design/README.md. `weft/weft.hpp` stands above all and may include any.
"""

import re

import cpp_text

# Layers of equal rank do not see one another.
RANK = {
    "base": 0, "context": 1, "stack": 2, "fiber": 3, "sched": 4, "sync": 5, "task": 6, "io": 7, "net": 8, "fs": 8,
    "debug": 9, "sim": 9, "interop": 9, "dns": 9, "tls": 9, "tools": 10,
}
UMBRELLA = "include/weft/weft.hpp"
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.M)


def layer_of(path):
    """The layer of a file: include/weft/<layer>/..., src/<layer>/..., tools/weft/...; None when it has none."""
    parts = path.parts
    if parts[:2] == ("include", "weft") and len(parts) > 3:
        return parts[2]
    if parts[0] == "src" and len(parts) > 2:
        return parts[1]
    return "tools" if parts[:2] == ("tools", "weft") else None


def target_of(root, path, form, name):
    """(layer, is_private) of an include, or None when it is not one of ours."""
    if name.startswith("weft/"):
        parts = name.split("/")
        return (parts[1] if len(parts) > 2 else "weft.hpp"), False
    if form == '"':
        if (root / path.parent / name).is_file():  # beside the including file
            inner = (root / path.parent / name).resolve().relative_to(root.resolve())
            return layer_of(inner), inner.parts[0] != "include"
        if path.parts[:2] == ("tools", "weft") and (root / "tools/weft" / name).is_file():
            return "tools", True
        return name.split("/")[0], True
    return None


def check(root):
    problems, count = [], 0
    for path in cpp_text.sources(root, "include", "src", "tools/weft"):
        count += 1
        if path.as_posix() == UMBRELLA:
            continue
        own, public = layer_of(path), path.parts[0] == "include"
        if own not in RANK:
            problems.append(f"{path}:1: this file is in no layer")
            continue
        text = (root / path).read_text(encoding="utf-8")
        _, comments = cpp_text.split(text)
        for match in _INCLUDE.finditer(text):
            line = text.count("\n", 0, match.start(2)) + 1
            if comments[match.start(2)] not in " \n":
                continue  # an include that is commented out
            target = target_of(root, path, *match.groups())
            if target is None:
                continue
            layer, private = target
            where, include = f"{path}:{line}", match.group(2)
            if public and private:
                problems.append(f"{where}: a public header includes the private \"{include}\"")
            elif layer == "weft.hpp":
                problems.append(f"{where}: {own} includes the umbrella header <{include}>")
            elif layer not in RANK:
                problems.append(f"{where}: \"{include}\" names no layer")
            elif RANK[layer] > RANK[own] or (RANK[layer] == RANK[own] and layer != own):
                problems.append(f"{where}: {own} includes {layer}, which is not below it: \"{include}\"")
    return count, problems


if __name__ == "__main__":
    cpp_text.main(check, "layers")
