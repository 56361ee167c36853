#!/usr/bin/env python3
"""Runs the tests: `make test`, the gate, and `make test-quick`, for everyday work.

run.py [--quick] [--list] [PART...]

Everything that the tests need is built first. A PART is a name from --list; without one all parts run, in order. The
first part that fails ends the run. No process that a part started is left behind, whether the part failed or not.
Minutes are those of two cores; the first number is with empty caches, the second with full ones.
"""

import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
import time

CARGO = os.environ.get("CARGO", "cargo")
PR_SET_CHILD_SUBREAPER = 36
LEFT_PATIENCE = 30


class Part:
    """A command and what it is for. `quick` parts need neither QEMU nor an image. The output of one that `counts` tells
    how many tests passed; any other part is one test."""

    def __init__(self, name, empty, full, command, title, quick=False, root=False, counts=False):
        self.name, self.empty, self.full, self.command = name, empty, full, command
        self.title, self.quick, self.root, self.counts = title, quick, root, counts


BUILD = [
    Part("lint", 3, 1, "make --no-print-directory lint", "formatting and lints", quick=True),
    Part("programs", 0, 0, "dev/programs/fetch.py", "fetch the WebAssembly programs of the tests", quick=True),
    Part("compile", 4, 2, f"{CARGO} build --locked --quiet --workspace --bins && "
         f"{CARGO} test --locked --quiet --workspace --no-run", "build the programs and their tests", quick=True),
    Part("deny-tool", 1, 0, "tests/deny.sh build", "build cargo-deny"),
    Part("fuzz-build", 1, 0, "tests/fuzz.sh build", "build the fuzz targets"),
    Part("oracle-build", 1, 0, "tests/oracle-eif/run.sh build", "build AWS' image library"),
    Part("model-tool", 3, 0, "tests/model/run.sh build", "build Verifpal"),
    Part("qemu", 3, 0, "dev/qemu/build.sh", "build QEMU"),
    Part("image", 5, 0, "reproducible/image.sh", "build the image; it must measure as committed"),
    Part("image-build", 2, 1, "tests/image/run.sh build", "build the development image and the tests of both"),
]  # fmt: skip
TESTS = [
    Part("runner", 0, 0, "tests/run_test.py", "this script itself", quick=True, counts=True),
    Part("imports", 0, 0, f"{CARGO} run --locked --quiet -p xtask -- imports", "no import cycles; packages as drawn",
         quick=True),
    Part("names", 0, 0, "tests/names.py", "files and tests that the documents name exist", quick=True),
    Part("vectors", 0, 0, "python3 tests/vectors/second/make.py --check",
         "the second implementation makes the protocol's vectors", quick=True),
    Part("deny", 0, 0, "tests/deny.sh", "licences, sources and bans of every lock file"),
    Part("models", 1, 1, "tests/model/run.sh", "the symbolic models, and that each check is needed", counts=True),
    Part("no-std", 1, 1, "tests/no-std/run.sh", "enclave-core links without std", quick=True),
    Part("fuzz", 1, 1, "tests/fuzz.sh 2", "every parser, two seconds of fuzzing each"),
    Part("tests", 2, 2, f"{CARGO} test --locked --quiet --workspace", "unit, property, simulation, end-to-end tests",
         quick=True, counts=True),
    Part("oracle", 1, 0, "tests/oracle-eif/run.sh", "eif-build beside AWS' own library"),
    Part("inputs", 2, 2, "tests/image/inputs.sh && tests/image/walls.sh",
         "inputs that are not as locked, and attacks by what runs during the build", counts=True),
    Part("audit", 0, 0, "make --no-print-directory audit", "docs/audit.md is up to date"),
    Part("pid1", 0, 0, "tests/pid1/run.sh", "PID 1's walls, without a virtual machine", root=True, counts=True),
    Part("kernel", 0, 0, "tests/kernel/device.py && tests/kernel/test.py && tests/kernel/test.py joined",
         "the vsock device of QEMU, and the kernel from inside"),
    Part("boots", 0, 0, "tests/image/run.sh boots", "three boots at a time all attest", counts=True),
    Part("booted", 3, 3, "tests/image/run.sh", "the image, booted and used", counts=True),
]  # fmt: skip

# A line of cargo's, of a script's, of a part's that counts by itself.
CARGO_RESULT = re.compile(r"test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored")
SCRIPT_RESULT = re.compile(r"^(?:ok|PASS) {2,}\S")


def become_reaper():
    """Makes a process whose parent has ended a child of this one, so that `descendants` finds it."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants():
    """Every process that was started from here and lives, whoever its parent is now."""
    children = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if fields[0] != "Z":
            children.setdefault(int(fields[1]), []).append(int(entry))
    found, todo = [], [os.getpid()]
    while todo:
        of = children.get(todo.pop(), [])
        found += of
        todo += of
    return found


def name_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline") as line:
            return line.read().replace("\0", " ").strip()[:100]
    except OSError:
        return "?"


def end_descendants(patience):
    """Ends them, and returns the command lines of those that did not end by themselves within `patience` seconds."""
    end = time.monotonic() + patience
    while descendants() and time.monotonic() < end:
        time.sleep(0.05)
    left = [name_of(pid) for pid in descendants()]
    for signal_number, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
        for pid in descendants():
            try:
                os.kill(pid, signal_number)
            except ProcessLookupError:
                pass
        end = time.monotonic() + patience
        while descendants() and time.monotonic() < end:
            time.sleep(0.05)
    return left


class Count:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def line(self, text):
        if result := CARGO_RESULT.search(text):
            passed, failed, skipped = map(int, result.groups())
            self.passed, self.failed, self.skipped = self.passed + passed, self.failed + failed, self.skipped + skipped
        elif SCRIPT_RESULT.match(text):
            self.passed += 1


def run(part, number, of):
    """Runs a part; what it counted, and why it failed or None."""
    print(f"== {number}/{of} {part.name}: {part.title}", flush=True)
    count = Count()
    if part.root and os.getuid() != 0:
        print(f"SKIPPED: {part.name} needs root", flush=True)
        count.skipped = 1
        return count, None
    command = ["bash", "-euo", "pipefail", "-c", part.command]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace") as process:  # fmt: skip

        def copy():
            for line in process.stdout:
                print(line, end="", flush=True)
                count.line(line)

        # A process that was left behind may hold the pipe open: the part has ended when its shell has.
        copying = threading.Thread(target=copy)
        copying.start()
        status = process.wait()
        # Whatever a test has killed may take a while to end.
        left = end_descendants(LEFT_PATIENCE if status == 0 else 0)
        copying.join()
    if status != 0:
        count.failed = count.failed or 1
        return count, f"{part.name} ended with status {status}: {part.command}"
    if left:
        count.failed += 1
        return count, f"{part.name} left processes running: {'; '.join(left)}"
    if part.counts and count.passed == 0:
        count.failed += 1
        return count, f"{part.name} ran no test"
    if part in TESTS and count.passed == 0:
        count.passed = 1
    return count, None


def choose(words):
    quick = "--quick" in words
    names = [word for word in words if not word.startswith("--")]
    parts = [part for part in BUILD + TESTS if part.quick or not quick]
    if unknown := [name for name in names if name not in [part.name for part in parts]]:
        sys.exit(f"Error: part not found: {unknown[0]}; `tests/run.py --list` names them")
    return [part for part in parts if not names or part.name in names]


def main():
    words = sys.argv[1:]
    if unknown := [word for word in words if word.startswith("--") and word not in ("--quick", "--list")]:
        sys.exit(f"Error: unknown option {unknown[0]}\n{__doc__}")
    os.chdir(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    become_reaper()
    parts = choose(words)
    print(f"{len(parts)} parts, about {sum(part.full for part in parts)} minutes; "
          f"with empty caches about {sum(part.empty for part in parts)}:")  # fmt: skip
    for part in parts:
        print(f"  {part.name:<13} {part.empty:>2} / {part.full:<2} {part.title}")
    if "--list" in words:
        return
    begun, table, fault = time.monotonic(), [], None

    def interrupted(number, _):
        print(f"\nended by signal {number}", flush=True)
        end_descendants(0)
        os._exit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    for number, part in enumerate(parts, 1):
        start = time.monotonic()
        count, fault = run(part, number, len(parts))
        table.append((part, count, (time.monotonic() - start) / 60))
        if fault:
            break
    print(f"\n{'part':<13} {'minutes':>7} {'passed':>7} {'failed':>7} {'skipped':>7}")
    for part, count, minutes in table:
        numbers = [count.passed, count.failed, count.skipped] if any(vars(count).values()) else ["", "", ""]
        print(f"{part.name:<13} {minutes:>7.1f}" + "".join(f" {number:>7}" for number in numbers))
    print(f"{(time.monotonic() - begun) / 60:.1f} minutes")
    if fault:
        print(f"FAILED: {fault}")
    passed, failed, skipped = (sum(getattr(count, kind) for _, count, _ in table)
                               for kind in ("passed", "failed", "skipped"))  # fmt: skip
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if fault else 0)


if __name__ == "__main__":
    main()
