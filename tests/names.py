#!/usr/bin/env python3
"""Checks that what the documents name exists: files by their path, and tests by their function's name.

names.py

A path is what stands in backquotes or in a link and begins with a folder of this checkout. `{a,b}` stands for both. A
test is a name in backquotes with at least two underscores. CHANGELOG.md may name what is gone."""

import itertools
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILT = {".git", "build", "target"}
WITHOUT = {"CHANGELOG.md", "audit.md"}


def files(*suffixes):
    """The files of the checkout, without what is built: a new machine may have no git to ask."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in BUILT]
        yield from (pathlib.Path(folder, name) for name in names if name.endswith(suffixes))


def alternatives(text):
    """The texts that `{a,b}` stands for."""
    parts = re.split(r"\{([^}]*)\}", text)
    choices = [part.split(",") if at % 2 else [part] for at, part in enumerate(parts)]
    return ["".join(choice) for choice in itertools.product(*choices)]


def main():
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()} - BUILT
    sources = "\n".join(path.read_text() for path in files(".rs", ".py"))
    words = set(re.findall(r"\w+", sources))
    faults = []
    for document in sorted(path for path in files(".md") if path.name not in WITHOUT):
        text = re.sub(r"```.*?```", "", document.read_text(), flags=re.S)
        named = re.findall(r"`([^`\s]+)`", text)
        for link in re.findall(r"\]\(([^)#:]+)[)#]", text):
            if not (document.parent / link).exists():
                faults.append(f"{document.relative_to(ROOT)}: {link} not found")
        for name in named:
            if "/" in name and name.split("/")[0] in folders:
                missing = [path for path in alternatives(name) if not list(ROOT.glob(path.rstrip("/:,")))]
                faults += [f"{document.relative_to(ROOT)}: {path} not found" for path in missing]
            elif re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+){2,}", name) and name not in words:
                faults.append(f"{document.relative_to(ROOT)}: {name} is no name in the sources")
    print("\n".join(faults) if faults else "every file and every test that the documents name exists")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
