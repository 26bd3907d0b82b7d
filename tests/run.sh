#!/bin/sh
# Runs the tests: `sh tests/run.sh` all of them, `sh tests/run.sh quick` those of the dev build alone. Needs
# Debian 12; installs the packages that are missing. SLUICE_ORACLE_DIR names the folder of reference results;
# without it, and without ../shared/oracle beside the clone, the tests that compare with them are skipped.
set -u
cd "$(dirname "$0")/.."
case ${1:-whole} in
    quick) presets="dev"; packages=quick ;;
    whole) presets="release asan tsan arm64 baseline fuzz"; packages=whole ;;
    *) echo "usage: sh tests/run.sh [quick]" >&2; exit 2 ;;
esac

n_passed=0
n_failed=0
n_skipped=0

# Adds the results that ctest left in a JUnit file, whose first element counts them.
count() {
    number() { grep -m 1 -oE "^[[:space:]]*$1=\"[0-9]+\"" "$2" | grep -oE '[0-9]+'; }
    n_tests=$(number tests "$1")
    failed=$(number failures "$1")
    skipped=$(($(number skipped "$1") + $(number disabled "$1")))
    n_failed=$((n_failed + failed))
    n_skipped=$((n_skipped + skipped))
    n_passed=$((n_passed + n_tests - failed - skipped))
}

finish() {
    echo
    if [ "$n_skipped" -gt 0 ]; then
        echo "$n_passed passed, $n_failed failed, $n_skipped skipped"
    else
        echo "$n_passed passed, $n_failed failed"
    fi
    [ "$n_failed" -eq 0 ] && [ "$n_passed" -gt 0 ]
    exit
}

echo "== Packages: installing what is missing for the $packages tests"
if ! sh tests/install_packages.sh "$packages"; then
    echo "The packages could not be installed, so nothing was tested."
    n_failed=1
    finish
fi

if [ -z "${SLUICE_ORACLE_DIR:-}" ] && [ -d ../shared/oracle ]; then
    SLUICE_ORACLE_DIR=$(cd ../shared/oracle && pwd)
fi
if [ -n "${SLUICE_ORACLE_DIR:-}" ]; then
    export SLUICE_ORACLE_DIR
    echo "== Reference results: $SLUICE_ORACLE_DIR"
else
    echo "== Reference results: none (SLUICE_ORACLE_DIR is not set), tests that need them are skipped"
fi

for preset in $presets; do
    case $preset in
        dev) what="the library and all tests, warnings are errors" ;;
        release) what="as users build it, warnings are errors; the installed package and every rule broken once too" ;;
        asan) what="everything under the address and undefined-behaviour sanitizers" ;;
        tsan) what="everything under the thread sanitizer" ;;
        arm64) what="everything cross-compiled for arm64, run by QEMU" ;;
        baseline) what="the release build computing on an emulated processor of 2008, without AVX" ;;
        fuzz) what="each door for foreign bytes, fuzzed for half a minute" ;;
    esac
    echo
    echo "== $preset: $what"
    results=build/$preset/junit.xml
    rm -f "$results"
    started=$(date +%s)
    cmake --workflow --preset "$preset" </dev/null
    status=$?
    failed_before=$n_failed
    if [ -f "$results" ]; then count "$results"; fi
    if [ $status -ne 0 ] && [ "$n_failed" -eq "$failed_before" ]; then
        echo "$preset: did not build or could not run its tests; counted as one failure"
        n_failed=$((n_failed + 1))
    fi
    echo "== $preset: $(($(date +%s) - started)) seconds"
done
finish
