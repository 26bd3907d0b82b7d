#!/bin/sh
# Breaks each rule once, in a copy of the tree, and expects its script to turn red, after it was green on the copy
# as it is. Prints one line for each. break_each_rule.sh SOURCE BUILD NM CC CXX OBJDUMP
set -eu
source=$1
build=$2
nm=$3
cc=$4
cxx=$5
objdump=$6
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n_wrong=0

fresh() {
    rm -rf "$work/tree"
    mkdir "$work/tree"
    (cd "$source" && tar -cf - --exclude='./build*' --exclude=./.git .) | (cd "$work/tree" && tar -xf -)
}

# broken WHAT RULE [ARGUMENT...]: the rule must be red on the tree as it now is; then the tree is made fresh.
broken() {
    what=$1
    script=$2
    shift 2
    if sh "$source/tests/meta/$script" "$@" > "$work/output" 2>&1; then
        echo "NOT CAUGHT  $what ($script)"
        n_wrong=$((n_wrong + 1))
    else
        echo "caught      $what ($script: $(grep -v '^+' "$work/output" | head -n 1 | cut -c 1-70))"
    fi
    fresh
}

# sound RULE [ARGUMENT...]: the rule must be green, otherwise being red proves nothing.
sound() {
    script=$1
    shift
    sh "$source/tests/meta/$script" "$@" > "$work/output" 2>&1 && return
    echo "RED BEFORE  $script"
    cat "$work/output"
    n_wrong=$((n_wrong + 1))
}

# A line of code in a new file of the tree.
write() { mkdir -p "$(dirname "$work/tree/$1")" && printf '%s\n' "$2" > "$work/tree/$1"; }

fresh
tree=$work/tree
sound layering.sh "$tree"
write lib/base/upward.cpp '#include "session/session.h"'
broken 'a layer includes one above it' layering.sh "$tree"
write lib/base/local.cpp '#include "result.h"'
broken 'an include without its layer' layering.sh "$tree"
write lib/extra/new.cpp 'int n;'
broken 'a folder of lib that is no layer' layering.sh "$tree"
write tests/base/upward_test.cpp '#include "model/model.h"'
broken 'a test of a layer reaches above it' layering.sh "$tree"
write examples/inside.cpp '#include "base/result.h"'
broken 'an example includes a header of lib' layering.sh "$tree"

sound file_sizes.sh "$tree"
awk 'BEGIN { for (i = 0; i < 501; ++i) print "// line" }' > "$tree/lib/base/long.h"
broken 'a file of 501 lines' file_sizes.sh "$tree"

sound top_level.sh "$tree"
mkdir "$tree/scripts"
broken 'a new folder at the top level' top_level.sh "$tree"

sound version.sh "$tree"
sed -i 's/^project(sluice VERSION [0-9.]*/project(sluice VERSION 90.0.0/' "$tree/CMakeLists.txt"
broken 'two version numbers' version.sh "$tree"

sound words.sh "$tree"
while IFS='|' read -r what file code; do
    write "$file" "$code"
    broken "$what" words.sh "$tree"
done <<'END'
a file named util|lib/base/string_util.h|int n;
a file named helpers|tests/support/helpers.h|int n;
a function named ..._helper|lib/base/wrong.cpp|int copy_helper(int n);
a type named ...Manager|examples/wrong.cpp|class CacheManager;
a type named ErrorHandler|lib/base/wrong.h|struct ErrorHandler {};
a name in misc|benchmarks/wrong.cpp|int misc = 0;
throw|lib/text/wrong.cpp|void f() { throw 1; }
throw behind a comment and a string|lib/text/wrong.cpp|void f() { g("// \" /*"); /* no */ throw 1; }
catch outside the walls|lib/model/wrong.cpp|void f() { try { g(); } catch (...) { } }
abort|lib/base/wrong.cpp|void f() { std::abort(); }
exit|lib/base/wrong.cpp|void f() { exit(1); }
terminate|lib/base/wrong.cpp|void f() { std::terminate(); }
assert|lib/base/wrong.cpp|void f(int n) { assert(n > 0); }
printf|lib/base/wrong.cpp|void f() { printf("x"); }
fprintf|lib/base/wrong.cpp|void f() { fprintf(stderr, "x"); }
std::cout|lib/base/wrong.cpp|void f() { std::cout << 1; }
std::cerr|lib/base/wrong.cpp|void f() { std::cerr << 1; }
setlocale|lib/base/wrong.cpp|void f() { setlocale(LC_ALL, ""); }
strtod|lib/base/wrong.cpp|double f(const char* s) { return strtod(s, nullptr); }
std::stof|lib/base/wrong.cpp|float f(const std::string& s) { return std::stof(s); }
isalpha|lib/base/wrong.cpp|int f(int c) { return isalpha(c); }
stringstream|lib/base/wrong.cpp|std::stringstream s;
signal|lib/base/wrong.cpp|void f() { signal(2, nullptr); }
std::regex|lib/base/wrong.cpp|std::regex r("x");
getenv outside api|lib/base/wrong.cpp|const char* f() { return getenv("HOME"); }
spdlog outside log.cpp|lib/session/wrong.cpp|#include <spdlog/spdlog.h>
CLI11 outside command_line.cpp|examples/cli/wrong.cpp|#include <CLI/App.hpp>
nlohmann-json outside json.cpp|lib/model/wrong.cpp|#include <nlohmann/json.hpp>
Eigen outside the reference|lib/forward/wrong.cpp|#include <Eigen/Dense>
sentencepiece outside its file|lib/text/wrong.cpp|#include <sentencepiece_processor.h>
oneDNN outside its folder|lib/kernels/scalar/wrong.cpp|#include <dnnl.hpp>
intrinsics outside an instruction set|lib/kernels/scalar/wrong.cpp|#include <immintrin.h>
a note that something is unfinished|lib/base/wrong.cpp|int n;  // TODO: later
a name of a test that ctest would split|tests/base/wrong_test.cpp|TEST_CASE("numbers: all of [0, 1)") {}
END

if command -v clang-format-14 >/dev/null; then
    sound format.sh "$tree"
    write lib/base/wrong.cpp 'int   f( ){return 1 ;}'
    broken 'a source laid out otherwise' format.sh "$tree"
fi

sound headers_alone.sh "$tree" "$cc" "$cxx"
write include/sluice/wrong.h 'static inline uint32_t f(void) { return 0; }'
broken 'a header that lacks an include' headers_alone.sh "$tree" "$cc" "$cxx"
write include/sluice/wrong.h 'typedef struct wrong { char a; int b; } wrong;'
broken 'a struct with padding' headers_alone.sh "$tree" "$cc" "$cxx"
write include/sluice/wrong.h '_Static_assert(1, "C11"); typedef int wrong;'
broken 'a header that is not C99' headers_alone.sh "$tree" "$cc" "$cxx"
write include/sluice/wrong.h 'typedef struct wrong { int class; } wrong;'
broken 'a header that is not C++' headers_alone.sh "$tree" "$cc" "$cxx"

sound abi_layout.sh "$tree" "$cc"
sed -i 's/^    int32_t status;/    int64_t status;/' "$tree/include/sluice/base.h"
broken 'a field with another type' abi_layout.sh "$tree" "$cc"
sed -i 's/^#define SLUICE_E_IO (-3)/#define SLUICE_E_IO (-30)/' "$tree/include/sluice/base.h"
broken 'a status with another number' abi_layout.sh "$tree" "$cc"
sed -i '/^    uint64_t file_size; /d' "$tree/include/sluice/model.h"
broken 'a field taken away' abi_layout.sh "$tree" "$cc"

# The shared library linked again with one object more, and without its exports map.
library=$work/libbroken.so
sound exports.sh "$tree" "$nm" "$build/lib/libsluice.so"
printf '#include <string>\nextern "C" __attribute__((visibility("default"))) int sluice_extra() { return 0; }\n' \
    > "$work/extra.cpp"
"$cxx" -fPIC -shared -Wl,--version-script="$source/lib/api/exports.map" "$work/extra.cpp" -o "$library" \
    -Wl,--whole-archive "$build/lib/libsluice.a" -Wl,--no-whole-archive
broken 'an exported function that no header declares' exports.sh "$tree" "$nm" "$library"
"$cxx" -shared -o "$library" -Wl,--whole-archive "$build/lib/libsluice.a" -Wl,--no-whole-archive
broken 'no exports map: templates of the standard library leak' exports.sh "$tree" "$nm" "$library"
printf '\nSLUICE_API int32_t sluice_promised(void);\n' >> "$tree/include/sluice/router.h"
broken 'a declared function that is not there' exports.sh "$tree" "$nm" "$build/lib/libsluice.so"

# compiled FILE CODE [FLAG...]: an object as the build would leave it.
objects=$work/objects
compiled() {
    rm -rf "$objects"
    mkdir -p "$(dirname "$objects/$1")"
    printf '%s\n' "$2" > "$work/code.cpp"
    object=$objects/$1
    shift 2
    "$cxx" -std=c++20 -O2 "$@" -c "$work/code.cpp" -o "$object"
}
sound imports.sh "$nm" "$build/lib/CMakeFiles"
for call in 'abort()' 'exit(1)' 'puts("x")' 'printf("%d", 1)' 'setlocale(LC_ALL, "")' 'getenv("HOME")' \
    'signal(2, SIG_IGN)' 'socket(1, 1, 0)' 'system("true")'; do
    compiled base/wrong.cpp.o "#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <sys/socket.h>
void f() { $call; }" -w
    broken "an object that calls $call" imports.sh "$nm" "$objects"
done

sound sealed.sh "$nm" "$build/lib/CMakeFiles"
compiled sluice_kernels.dir/kernels/avx2/dot.cpp.o 'int dot(const signed char* a) { return a[0]; }'
sound sealed.sh "$nm" "$objects"
compiled sluice_kernels.dir/kernels/avx2/dot.cpp.o '#include <vector>
int dot(int n) { std::vector<int> v; for (int i = 0; i < n; ++i) v.push_back(i * n); return v.back() + (int)v.size(); }'
broken 'std::vector in a file of an instruction set' sealed.sh "$nm" "$objects"
compiled sluice_kernels.dir/kernels/avx512_vnni/dot.cpp.o 'inline int half(int n) { static int k; return k++ + n; }
int dot(int n) { return half(n); }'
broken 'an inline function with a static in such a file' sealed.sh "$nm" "$objects"

# A loop as hot ones are, with something wrong in it.
if [ "$(uname -m)" = x86_64 ] && command -v "$objdump" >/dev/null; then
    sound hot_loops.sh "$objdump" "$build/lib/CMakeFiles"
    loop='#include <immintrin.h>
__m256i loop(const __m256i* w, const __m256i* v, int n) {
    __m256i sum = _mm256_setzero_si256();
    for (int i = 0; i < n; ++i) {
#define PRODUCT(k) \
    __asm__("vmovdqu %1, %%ymm15; vpmaddubsw %2, %%ymm15, %%ymm15; vpaddw %%ymm15, %0, %0" \
            : "+x"(sum) : "m"(w[k]), "m"(v[k]) : "xmm15");
#ifndef EIGHT
#define FOUR(k) PRODUCT(k) PRODUCT(k + 1) PRODUCT(k + 2) PRODUCT(k + 3)
#define EIGHT(k) FOUR(k) FOUR(k + 4)
#endif
        EIGHT(0) EIGHT(8) EIGHT(16) EIGHT(24) EIGHT(32) EIGHT(40)
        WRONG
    }
    return sum;
}'
    file=sluice_kernels.dir/kernels/avx2/multiply_quantised.cpp.o
    compiled $file "$loop" -mavx2 -DWRONG=
    sound hot_loops.sh "$objdump" "$objects"
    compiled $file "$loop" -mavx2 '-DWRONG=volatile __m256i spilled = sum; sum = spilled;'
    broken 'a sum that goes through the stack' hot_loops.sh "$objdump" "$objects"
    compiled $file "$loop" -mavx2 '-DWRONG=__asm__(".rept 48; vmovdqa %0, %%ymm14; .endr" : : "x"(sum) : "xmm14");'
    broken 'copies of a sum in every round' hot_loops.sh "$objdump" "$objects"
    compiled $file "$loop" -mavx2 -DWRONG= -DEIGHT=PRODUCT
    broken 'a tile smaller than designed' hot_loops.sh "$objdump" "$objects"
fi

echo
[ "$n_wrong" -eq 0 ] || { echo "$n_wrong rules do not do what they say"; exit 1; }
echo "Every rule turned red when it was broken."
