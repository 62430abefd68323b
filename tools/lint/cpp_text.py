"""C++ text for the lints: which characters are code and which are comment. No parsing beyond that."""

import re
from pathlib import Path

SUFFIXES = {".cpp", ".hpp", ".h", ".S", ".inl"}
_TOKEN = re.compile(
    r'//(?:\\\n|[^\n])*'                              # line comment
    r'|/\*.*?\*/'                                     # block comment
    r'|R"(?P<mark>[^\s()\\"]{0,16})\(.*?\)(?P=mark)"'  # raw string
    r'|"(?:\\.|[^"\\\n])*"'                           # string
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",          # character, but not the digit separator of 1'000
    re.S,
)


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def split(text):
    """Two texts of the same shape as `text`: only the code (strings emptied), and only the comments."""
    code, comments, at = [], [], 0
    for match in _TOKEN.finditer(text):
        before, token = text[at:match.start()], match.group()
        is_comment = token.startswith(("//", "/*"))
        code += [before, _blank(token)]
        comments += [_blank(before), token if is_comment else _blank(token)]
        at = match.end()
    code.append(text[at:])
    comments.append(_blank(text[at:]))
    return "".join(code), "".join(comments)


def sources(root, *folders):
    """All C++ files below the folders of `root`, as paths relative to it, sorted."""
    found = []
    for folder in folders:
        base = Path(root) / folder
        found += [p.relative_to(root) for p in base.rglob("*") if p.suffix in SUFFIXES and p.is_file()]
    return sorted(found)


def main(check, what):
    """Runs check(root) on the tree named on the command line, or on this one; prints what it finds."""
    import sys

    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    count, problems = check(root)
    for problem in problems:
        print(problem)
    print(f"{what}: {count} files, {len(problems)} problems")
    if count == 0:
        print(f"{what}: nothing was checked", file=sys.stderr)
    sys.exit(1 if problems or count == 0 else 0)
