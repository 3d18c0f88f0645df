"""Lines of code per floor, by the table of modules in ARCHITECTURE.md; docstrings and comments are told beside."""

import ast
import io
import re
import sys
import tokenize
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROW = re.compile(r"^\| (\S+) \| `([^`]+\.py)` \|", re.M)
LAYOUT = {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER, tokenize.COMMENT}


def lines(path: Path) -> tuple[int, int]:
    """Lines that hold code, and lines that hold a docstring or nothing but a comment."""
    text = path.read_text(encoding="utf-8")
    said = _docstrings(ast.parse(text))
    code, comments = set(), set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        span = range(token.start[0], token.end[0] + 1)
        if token.type == tokenize.COMMENT:
            comments.add(token.start[0])
        elif token.type not in LAYOUT and not said.issuperset(span):
            code.update(span)
    return len(code), len((said | comments) - code)


def _docstrings(tree: ast.Module) -> set[int]:
    """Numbers of the lines of every docstring."""
    owners = (node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef))
    first = (node.body[0] for node in owners if ast.get_docstring(node, clean=False) is not None)
    return {number for node in first for number in range(node.lineno, node.end_lineno + 1)}


def main() -> int:
    modules = ROW.findall((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"))
    if not modules:
        print("no table of modules in ARCHITECTURE.md")
        return 1
    code, said, files = Counter(), Counter(), Counter(floor for floor, _ in modules)
    for floor, module in modules:
        counted = lines(ROOT / module)
        code[floor] += counted[0]
        said[floor] += counted[1]
    print(f"{'floor':<6}{'modules':>8}{'code':>8}{'prose':>8}")
    for floor in dict.fromkeys(floor for floor, _ in modules):
        print(f"{floor:<6}{files[floor]:>8}{code[floor]:>8}{said[floor]:>8}")
    print(f"{'all':<6}{files.total():>8}{code.total():>8}{said.total():>8}")
    tests = [lines(path)[0] for path in (ROOT / "tests").rglob("*.py")]
    print(f"{'tests':<6}{len(tests):>8}{sum(tests):>8}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
