#!/bin/sh
# Each public header compiles alone, as C99 without padding in a struct and as C++11. headers_alone.sh SOURCE CC CXX
set -eu
cd "$1"
failed=0
for header in include/sluice/*.h; do
    name=sluice/$(basename "$header")
    echo "#include <$name>" | $2 -std=c99 -Wall -Wextra -pedantic -Wpadded -Werror -Iinclude -fsyntax-only -x c - ||
        { failed=1; echo "$name does not compile alone as C99"; }
    echo "#include <$name>" | $3 -std=c++11 -Wall -Wextra -pedantic -Werror -Iinclude -fsyntax-only -x c++ - ||
        { failed=1; echo "$name does not compile alone as C++11"; }
done
exit $failed
