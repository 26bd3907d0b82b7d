#!/bin/sh
# The innermost loops of the products of integers keep their sums in registers: no vector goes to or comes from the
# stack, and there are fewer copies between vector registers than dot products (GCC 12 makes two for each intrinsic
# of VNNI; a copy to begin a sum is fine). The largest tile has as many dot products as it was designed with.
# hot_loops.sh OBJDUMP OBJECTS
set -eu
objdump=$1
cd "$2"
here=$(dirname "$0")
case $here in /*) ;; *) here=$OLDPWD/$here ;; esac
list=$(find . -path '*/kernels/*/multiply_quantised.cpp.o' ! -path '*/kernels/scalar/*' | sort)
[ -n "$list" ] || { echo "no products of integers for this processor"; exit 77; }
found=$(for object in $list; do
    case $object in
        */avx512_vnni/* | */avx_vnni/*) dot=vpdpbusd least=96 ;;
        */avx2/*) dot=vpmaddubsw least=48 ;;
        */neon_dotprod/*) dot=sdot least=16 ;;
        */neon_i8mm/*) dot=smmla least=16 ;;
        *) echo "$object: which instruction are its products?" && continue ;;
    esac
    $objdump -d --no-show-raw-insn "$object" | awk -v object="$object" -v dot="$dot" -v least="$least" \
        -f "$here/hot_loops.awk"
done)
[ -z "$found" ] || { echo "hot loops are not what they should be:"; echo "$found"; exit 1; }
