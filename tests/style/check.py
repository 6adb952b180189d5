#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the repository against the rules of STYLE.md; each rule counts as one test.

Optional arguments: the rules to run.
"""

import pathlib
import subprocess
import sys

import rules

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def read_tree(root):
    """Everything git tracks or would track, as text; what is no text is left out."""
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=root,
                            capture_output=True, check=True).stdout.decode()
    tree = {}
    for path in filter(None, listed.split("\0")):
        file = root / path
        if file.is_symlink() or not file.is_file():
            continue
        try:
            tree[path] = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return tree


def findings(tree, root, names=()):
    """(rule name, its findings) of every rule, or of those named."""
    for rule in rules.TEXT_RULES:
        if not names or rule.__name__ in names:
            yield rule.__name__, list(rule(tree))
    for rule in rules.PROGRAM_RULES:
        if not names or rule.__name__ in names:
            yield rule.__name__, list(rule(tree, root))


def main():
    failed = passed = 0
    for name, found in findings(read_tree(ROOT), ROOT, sys.argv[1:]):
        for finding in found:
            print(f"{finding.path}:{finding.line}: {name}: {finding.message}")
        failed += bool(found)
        passed += not found
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
