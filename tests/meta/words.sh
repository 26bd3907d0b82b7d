#!/bin/sh
# Words that may not stand in our code, or only in a place named here. words.sh SOURCE
set -eu
cd "$1"
here=$(dirname "$0")
case $here in /*) ;; *) here=$PWD/tests/meta ;; esac
code=$(mktemp)
trap 'rm -f "$code"' EXIT
folders=
for folder in lib include bindings examples benchmarks tests; do
    [ ! -d "$folder" ] || folders="$folders $folder"
done
find $folders -type f \( -name '*.h' -o -name '*.hpp' -o -name '*.c' -o -name '*.cpp' \) | sort |
    xargs awk -f "$here/code_only.awk" |
    sed -E 's/(error_handler_t|set_(error|exception)_handler|sa_handler)//' > "$code"  # names of others
failed=0

# rule WHAT WHERE PATTERN [EXCEPT]: no line of code in files matching WHERE may match PATTERN, except in the
# files that match EXCEPT. All are extended regular expressions; names of files are whole.
rule() {
    found=$(grep -E "^($2)[^:]*:[0-9]+:(.*[^A-Za-z0-9_])?($3)" "$code" | grep -vE "^(${4:-no file}):" || true)
    [ -n "$found" ] || return 0
    failed=1
    echo "$1:"
    echo "$found" | cut -c 1-160
}

all='lib/|include/|bindings/|examples/|benchmarks/|tests/'
rule 'a name says util, helper, manager, handler or misc' "$all" \
    '([A-Za-z0-9_]+_)?(utils?|helpers?|managers?|handlers?|misc)(_[A-Za-z0-9_]*)?([^A-Za-z0-9_]|$)'
rule 'a name says Util, Helper, Manager, Handler or Misc' "$all" \
    '[A-Za-z0-9_]*(Util|Helper|Manager|Handler|Misc)s?([^a-z]|$)'
rule 'throw in the library' 'lib/' 'throw([^A-Za-z0-9_]|$)'
rule 'catch outside the named walls' 'lib/' 'catch *\(' \
    'lib/api/guard\.h|lib/base/(log|threads)\.cpp|lib/text/sentencepiece\.cpp|lib/forward/reference/reference\.cpp|lib/session/batch\.cpp|lib/kernels/onednn/prompt_products\.cpp'
rule 'the library ends the process' 'lib/' '(abort|_?exit|_Exit|quick_exit|terminate) *\('
rule 'the library asserts on data' 'lib/' 'assert *\('
rule 'the library prints' 'lib/' '((f|v|vf|s|vs)?printf|f?puts|putchar|perror) *\(|std::(cout|cerr|clog)'
rule 'the library touches the locale or depends on it' 'lib/' \
    '(setlocale|uselocale|localeconv|strto[dfl]d?|ato[fil]|sto[dfi]|to(upper|lower)|is(alpha|alnum|digit|space|upper|lower|punct)) *\('
rule 'iostreams in the library' 'lib/' '(std::[io]?(string|f)stream|#include <([io]?(string|f)?stream|iomanip|locale)>)'
rule 'signals in the library' 'lib/' '(signal|sigaction) *\('
rule 'std::regex in the library' 'lib/' '(std::regex|#include <regex>)'
rule 'the environment is read outside lib/api' 'lib/' '(secure_)?getenv *\(' 'lib/api/[a-z_]*\.cpp'
rule 'spdlog or fmt outside lib/base/log.cpp' "$all" '#include <(spdlog|fmt)/' 'lib/base/log\.cpp'
rule 'CLI11 outside examples/cli/command_line.cpp' 'examples/' '#include <CLI/' 'examples/cli/command_line\.cpp'
rule 'nlohmann-json outside lib/base/json.cpp' 'lib/|include/|bindings/' '#include <nlohmann/' 'lib/base/json\.cpp'
rule 'Eigen outside lib/forward/reference' 'lib/|include/|bindings/|examples/' '#include <Eigen/' \
    'lib/forward/reference/[a-z_]*\.(h|cpp)'
rule 'sentencepiece outside lib/text/sentencepiece.cpp' 'lib/|include/|bindings/|examples/' \
    '#include <sentencepiece' 'lib/text/sentencepiece\.cpp'
rule 'oneDNN and OpenMP outside lib/kernels/onednn' 'lib/|include/|bindings/|examples/' \
    '#include <(oneapi/dnnl/)?(dnnl[a-z_]*|omp)\.h(pp)?>' 'lib/kernels/onednn/[a-z_]*\.(h|cpp)'
rule 'intrinsics outside the folders of an instruction set' 'lib/|include/|bindings/|examples/' \
    '#include <(x86intrin|[a-z]?mmintrin|arm_(neon|sve|acle)|cpuid)\.h>' \
    'lib/kernels/(avx|sse|neon|sve|amx)[a-z0-9_]*/[a-z0-9_]*\.(h|cpp)|lib/base/cpu\.cpp'

names=$(find $folders -type f | grep -E '(^|[/_.])(utils?|helpers?|managers?|handlers?|misc)([/_.]|$)' || true)
if [ -n "$names" ]; then
    failed=1
    echo "a file is named util, helper, manager, handler or misc:"
    echo "$names"
fi
unfinished=$(find $folders -type f ! -path 'tests/meta/*' -exec grep -InE 'TODO|FIXME|(^|[^A-Za-z])XXX([^A-Za-z]|$)' /dev/null {} + || true)
if [ -n "$unfinished" ]; then
    failed=1
    echo "a note says that something is unfinished:"
    echo "$unfinished"
fi
names=$(find tests -name '*.cpp' -exec grep -nE 'TEST_CASE\("[^"]*[][;]' /dev/null {} + || true)
if [ -n "$names" ]; then
    failed=1
    echo "the name of a test holds [ or ] or ;, of which ctest would make one test out of many:"
    echo "$names"
fi
exit $failed
