"""Write the files of tests/vectors/protocol, or with --check compare them with what is there.

Everything is derived from fixed values, so that every run gives the same bytes. Each accepted case has been
read by this implementation, each refused one has been refused by it.
"""

import pathlib
import sys

sys.dont_write_bytecode = True

import cases_base  # noqa: E402
import cases_session  # noqa: E402
import cases_stored  # noqa: E402
import known_answers  # noqa: E402

TARGET = pathlib.Path(__file__).resolve().parent.parent / "protocol"


def main():
    arguments = sys.argv[1:]
    if arguments not in ([], ["--check"]):
        sys.exit("usage: make.py [--check]")
    known_answers.check_all()
    vectors = cases_base.all_vectors() + cases_stored.all_vectors() + cases_session.all_vectors()
    differing = []
    for v in vectors:
        path = TARGET / f"{v.name}.json"
        text = v.text()
        if not arguments:
            path.write_text(text, encoding="utf-8", newline="\n")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            differing.append(path.name)
    names = {f"{v.name}.json" for v in vectors}
    differing += [f"{path.name} (not made here)" for path in sorted(TARGET.glob("*.json")) if path.name not in names]
    for v in sorted(vectors, key=lambda v: v.name):
        print(f"{v.name:14} accept {len(v.accepted):3}  refuse {len(v.refused):3}")
    print(f"{'all':14} accept {sum(len(v.accepted) for v in vectors):3}  "
          f"refuse {sum(len(v.refused) for v in vectors):3}")
    if differing:
        sys.exit("differs: " + ", ".join(differing))


if __name__ == "__main__":
    main()
