#!/bin/sh
# clang-tidy over the library, with the checks of .clang-tidy. lint.sh SOURCE BUILD
set -eu
cd "$1"
find lib -name '*.cpp' | sort | xargs -P 2 -n 4 clang-tidy-14 -quiet -p "$2"
