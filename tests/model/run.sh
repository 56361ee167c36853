#!/bin/sh
# run.sh [build | MODEL.vp...]
#
# Runs every model, or the ones named, with Verifpal and compares the result with the model's "Expected:" line. Verifpal
# is built once into the cache; with `build` nothing else happens. A model runs at two concurrent sessions unless its
# "Sessions:" line says another number. The script ends with status 1 if a result differs.
cd "$(dirname "$0")" || exit 1
version=1.6.7
root=${CAPELET_CACHE:-$HOME/.cache/capelet}/verifpal-$version
verifpal=$root/bin/verifpal
if [ ! -x "$verifpal" ]; then
    echo "building Verifpal $version (once) …" >&2
    ${CARGO:-cargo} install --quiet --locked --ignore-rust-version --root "$root" --version "$version" verifpal >&2 || exit 1
fi
[ "${1:-}" != build ] || exit 0
[ $# -gt 0 ] || set -- *.vp
failed=0
for model; do
    model=$(basename "$model")
    sessions=$(sed -n 's|^// Sessions: \([0-9]*\).*|\1|p' "$model")
    expected=$(sed -n 's|^// Expected: \([acef01]*\).*|\1|p' "$model")
    start=$(date +%s)
    result=$(timeout 300 "$verifpal" verify "$model" --sessions "${sessions:-2}" --result-code --quiet | tail -n 1)
    seconds=$(($(date +%s) - start))
    if [ -n "$expected" ] && [ "$result" = "$expected" ]; then
        echo "ok      $model $result ($seconds s)"
    else
        echo "DIFFERS $model: expected ${expected:-nothing}, got ${result:-no result} ($seconds s)"
        failed=1
    fi
done
exit $failed
