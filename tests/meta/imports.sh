#!/bin/sh
# What the library's own objects ask of the C and C++ libraries: nothing that ends the process, prints, takes a
# signal, opens a socket or changes the locale. imports.sh NM OBJECTS
set -eu
nm=$1
cd "$2"
forbidden='abort|exit|_exit|_Exit|quick_exit|__assert_fail|v?f?printf|__v?f?printf_chk|f?puts|f?putc|putchar|perror|stdout|stderr'
forbidden="$forbidden|_ZSt4(cout|cerr|clog)|signal|sigaction|raise|kill|setlocale|uselocale|newlocale"
forbidden="$forbidden|socket|connect|bind|listen|accept|system|popen|fork|execve|umask|fesetround|getenv|secure_getenv"
# OBJECT SYMBOL, each with its reason:
# - log.cpp holds spdlog and fmt, whose code for consoles and failed assertions is compiled but never reached;
# - lib/api reads SLUICE_KERNELS.
allowed='/base/log\.cpp\.o (abort|v?f?printf|__fprintf_chk|f?puts|f?putc|stdout|stderr|getenv)$|/api/[a-z_]*\.cpp\.o (secure_)?getenv$'
found=$(find . -name '*.o' | sort | while read -r object; do
    $nm -u "$object" | awk -v object="$object" '{ sub(/@.*/, "", $NF); print object, $NF }'
done | grep -E " ($forbidden)\$" | grep -vE "$allowed" || true)
[ -z "$found" ] || { echo "imported, but forbidden:"; echo "$found"; exit 1; }
