#!/bin/sh
# Installs the build into a folder of its own and uses it from there as a host would: examples/installed by
# find_package, hello.c by pkg-config, shared and static. installed_package.sh SOURCE BUILD
set -eu
source=$1
build=$2
work=$build/installed_package
rm -rf "$work"
mkdir -p "$work"
prefix=$work/prefix
cmake --install "$build" --prefix "$prefix" > "$work/install.log"
(cd "$prefix" && find . -type f -o -type l | sort)
libraries=$(dirname "$(find "$prefix" -name 'libsluice.so')")

echo "== find_package"
cmake -S "$source/examples/installed" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_BUILD_TYPE=Release > "$work/configure.log" || { cat "$work/configure.log"; exit 1; }
cmake --build "$work/build"

echo "== every public header, from where it was installed"
for header in "$prefix"/include/sluice/*.h; do
    echo "#include <sluice/$(basename "$header")>" |
        cc -std=c99 -Wall -Wextra -pedantic -Werror -I"$prefix/include" -fsyntax-only -x c -
done
for header in "$prefix"/include/sluice/*.hpp; do
    echo "#include <sluice/$(basename "$header")>" |
        c++ -std=c++17 -Wall -Wextra -Werror -I"$prefix/include" -fsyntax-only -x c++ -
done

echo "== pkg-config, shared and static"
export PKG_CONFIG_PATH="$libraries/pkgconfig"
flags=$(pkg-config --cflags --libs sluice)
cc -std=c99 "$source/examples/hello.c" -o "$work/hello_shared" $flags
flags=$(pkg-config --cflags --libs --static sluice | sed 's/-lsluice/-l:libsluice.a/')
cc -std=c99 "$source/examples/hello.c" -o "$work/hello_static" $flags

echo "== the installed command writes a model, every program runs it"
model=$work/random.gguf
"$prefix/bin/sluice" random-model "$model" --kind moe
for program in "$work/hello_shared" "$work/hello_static" $(find "$work/build" -maxdepth 1 -type f -perm -100); do
    echo "-- $(basename "$program")"
    LD_LIBRARY_PATH=$libraries "$program" "$model" > "$work/output.txt"
    [ -s "$work/output.txt" ] || { echo "$program printed nothing"; exit 1; }
done

echo "== what the shared library needs at run time"
needed=$(objdump -p "$libraries/libsluice.so" | awk '$1 == "NEEDED" { print $2 }')
echo "$needed"
# oneDNN, with its OpenMP, is there where the build found it.
! echo "$needed" | grep -vE '^(lib(stdc\+\+|gcc_s|c|m|utf8proc|xxhash|sentencepiece|dnnl|gomp)\.so|ld-linux)' ||
    { echo "that is more than it should need"; exit 1; }
! objdump -p "$prefix/bin/sluice" | grep -E 'R(UN)?PATH' | grep -F "$build" ||
    { echo "the installed command looks for libraries in the build folder"; exit 1; }
