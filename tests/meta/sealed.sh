#!/bin/sh
# Objects compiled for an instruction set define no symbol that the linker may merge with others' (weak, unique
# or common): the linker could take that copy for everyone, also on processors without the instructions.
# sealed.sh NM OBJECTS
set -eu
nm=$1
cd "$2"
found=$(find . -path '*/kernels/*/*.o' ! -path '*/kernels/scalar/*' ! -path '*/kernels/onednn/*' | sort | while read -r object; do
    $nm --defined-only "$object" | awk -v object="$object" '$2 ~ /^[WVuiC]$/ { print object, $3 }'
done)
[ -z "$found" ] || { echo "mergeable symbols in objects of an instruction set:"; echo "$found"; exit 1; }
