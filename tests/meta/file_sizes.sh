#!/bin/sh
# No file of ours is longer than 500 lines. file_sizes.sh SOURCE
set -eu
cd "$1"
folders=
for folder in include lib bindings examples tests benchmarks; do
    [ ! -d "$folder" ] || folders="$folders $folder"
done
long=$(find $folders -type f \( -name '*.h' -o -name '*.hpp' -o -name '*.c' \
    -o -name '*.cpp' -o -name '*.py' -o -name '*.sh' -o -name '*.cmake' -o -name CMakeLists.txt \) \
    -exec awk 'FNR == 501 { print FILENAME " has more than 500 lines" }' {} +)
[ -z "$long" ] || { echo "$long"; exit 1; }
