#!/bin/sh
# Only these names may stand at the top level, besides dotfiles and build folders. top_level.sh SOURCE
set -eu
cd "$1"
failed=0
for name in *; do
    case $name in
        CMakeLists.txt | CMakePresets.json | LICENSE | README.md) ;;
        include | lib | bindings | examples | tests | benchmarks | docs | build*) ;;
        *) failed=1; echo "$name may not stand at the top level" ;;
    esac
done
exit $failed
