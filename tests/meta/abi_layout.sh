#!/bin/sh
# The layout of every public struct (size; offset and size of each field) and the value of every public number
# are those of abi_layout.txt. A change there is a change of the ABI.
# abi_layout.sh SOURCE CC [EMULATOR...]; with UPDATE=1 in the environment the list is written anew.
set -eu
source=$1
compiler=$2
shift 2
cd "$source"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
awk -f tests/meta/code_only.awk include/sluice/*.h | sed "s/^[^:]*:[0-9]*://" |
    awk -f tests/meta/abi_layout.awk > "$work/layout.c"
$compiler -std=c99 -Iinclude "$work/layout.c" -o "$work/layout"
"$@" "$work/layout" > "$work/layout.txt"
if [ "${UPDATE:-}" = 1 ]; then cp "$work/layout.txt" tests/meta/abi_layout.txt; fi
diff tests/meta/abi_layout.txt "$work/layout.txt" || {
    echo "The ABI changed (<: as promised, >: now). If that is meant, run tests/meta/abi_layout.sh with UPDATE=1."
    exit 1
}
