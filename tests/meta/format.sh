#!/bin/sh
# Sources are laid out as clang-format 14 does; the public headers are laid out by hand. format.sh SOURCE [fix]
set -eu
cd "$1"
command -v clang-format-14 >/dev/null || { echo "skipped: clang-format-14 is not installed"; exit 77; }
if [ "${2:-}" = fix ]; then how=-i; else how='--dry-run -Werror'; fi
folders=
for folder in lib bindings examples tests benchmarks; do
    [ ! -d "$folder" ] || folders="$folders $folder"
done
find $folders -type f \( -name '*.h' -o -name '*.hpp' -o -name '*.c' -o -name '*.cpp' \) |
    sort | xargs clang-format-14 $how --style=file
