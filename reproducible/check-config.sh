#!/bin/sh
# check-config.sh BUILT SOURCE [FRAGMENT]: every line of the fragment (kernel.config) holds in the .config that was built
# from the kernel in SOURCE. kconfig itself drops a line silently when a dependency is missing or the name misspelt,
# and selects what nobody asked for.
set -eu
fragment=${3:-$(dirname "$0")/kernel.config}
find "$2" -name 'Kconfig*' -exec sed -nE 's/^[[:space:]]*(menu)?config ([A-Za-z0-9_]+)$/CONFIG_\2/p' {} + \
  | awk '
  function name(line) { sub(/^# /, "", line); sub(/[= ].*/, "", line); return line }
  function fault(text) { print text; faults++ }
  FILENAME == "-" { known[$0] = 1; next }
  FILENAME == ARGV[2] { if (/^(# )?CONFIG_/) built[name($0)] = $0; next }
  /^CONFIG_[A-Z0-9_]+=|^# CONFIG_[A-Z0-9_]+ is not set$/ {
    n = name($0)
    lines++
    if (!known[n]) fault("no such switch: " $0)
    if (asked[n]++) fault("twice: " $0)
    if (/^C/ && built[n] != $0) fault("asked for, not built: " $0)
    if (/^#/ && built[n] ~ /^C/) fault("promised to be absent, built: " built[n])
    next
  }
  /^#? ?CONFIG_/ { fault("neither a switch nor a comment: " $0) }
  END {
    if (!lines) fault("the fragment is empty")
    if (faults) exit 1
    print lines " lines of the fragment hold"
  }
' - "$1" "$fragment"
