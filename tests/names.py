#!/usr/bin/env python3
"""Checks that what the documents name exists: files by their path, and tests by their function's name.

names.py

A path is what stands in backquotes or in a link and begins with a folder of this checkout. `{a,b}` stands for both. A
test is a name in backquotes with at least two underscores. CHANGELOG.md may name what is gone."""

import itertools
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCUMENTS = ["README.md", "SECURITY.md", "CONTRIBUTING.md", "docs", "examples/README.md", "tests/vectors/README.md"]


def tracked(*patterns):
    names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns], cwd=ROOT,
                           check=True, stdout=subprocess.PIPE, text=True).stdout  # fmt: skip
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


def alternatives(text):
    """The texts that `{a,b}` stands for."""
    parts = re.split(r"\{([^}]*)\}", text)
    choices = [part.split(",") if at % 2 else [part] for at, part in enumerate(parts)]
    return ["".join(choice) for choice in itertools.product(*choices)]


def main():
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()} - {"build", "target", ".git"}
    sources = "\n".join(path.read_text() for path in tracked("*.rs", "*.py"))
    words = set(re.findall(r"\w+", sources))
    faults = []
    for document in (path for path in tracked(*DOCUMENTS) if path.suffix == ".md" and path.name != "audit.md"):
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
