#!/usr/bin/env python3
"""Tests run.py: what it counts, and that no process outlives a part."""
import contextlib
import io
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import run as runner  # noqa: E402


def part(command, root=False):
    # What the sample prints is not for whoever counts this script's own lines.
    with contextlib.redirect_stdout(io.StringIO()):
        return runner.run(runner.Part("sample", 0, 0, command, "a sample", root=root), 1, 1)


def counts_cargo_and_script_results():
    count, fault = part("echo 'test result: ok. 3 passed; 0 failed; 2 ignored; 0 measured'; echo 'ok     a script'")
    assert (count.passed, count.failed, count.skipped, fault) == (4, 0, 2, None), vars(count)


def reports_a_failed_part_and_ends_what_it_started():
    begun = time.monotonic()
    count, fault = part("sleep 600 & setsid sleep 600 & echo begun; exit 7")
    assert "status 7" in fault and count.failed == 1, fault
    assert time.monotonic() - begun < 300, "it waited for what the part left behind"
    assert runner.descendants() == []


def refuses_a_part_that_succeeds_and_leaves_a_process():
    count, fault = part("setsid sleep 600 > /dev/null & exit 0")
    assert "left processes running: sleep 600" in fault and count.failed == 1, fault
    assert runner.descendants() == []


def fails_on_a_failure_inside_a_pipe():
    _, fault = part("false | cat")
    assert fault is not None


def names_an_unknown_part():
    try:
        runner.choose(["no-such-part"])
    except SystemExit as refusal:
        assert "no-such-part" in str(refusal)
    else:
        raise AssertionError("it was taken")


def takes_only_quick_parts_with_quick():
    names = [one.name for one in runner.choose(["--quick"])]
    assert "tests" in names and not {"image", "qemu", "booted"} & set(names), names


if __name__ == "__main__":
    runner.become_reaper()
    runner.LEFT_PATIENCE = 1
    for test in (counts_cargo_and_script_results, reports_a_failed_part_and_ends_what_it_started,
                 refuses_a_part_that_succeeds_and_leaves_a_process, fails_on_a_failure_inside_a_pipe,
                 names_an_unknown_part, takes_only_quick_parts_with_quick):  # fmt: skip
        test()
        print(f"ok     {test.__name__}")
