#!/bin/sh
# The shared library exports the functions that the public headers declare, and nothing else.
# exports.sh SOURCE NM LIBSLUICE.SO
set -eu
cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat include/sluice/*.h | tr '\n' ' ' | grep -oE 'SLUICE_API [^;(]*\(' | grep -oE 'sluice_[a-z0-9_]+ *\($' |
    tr -d ' (' | sort > "$work/declared"
$2 -D --defined-only "$3" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort > "$work/exported"
if ! diff "$work/declared" "$work/exported" > "$work/difference"; then
    sed -n 's/^< /declared, not exported: /p; s/^> /exported, not declared: /p' "$work/difference"
    exit 1
fi
