#!/bin/sh
# A folder of lib/ includes only itself and what stands before it in SLUICE_LAYERS; tests of a layer likewise;
# examples and bindings see the public headers alone. layering.sh SOURCE
set -eu
cd "$1"
layers=$(sed -n 's/^set(SLUICE_LAYERS \(.*\))$/\1/p' lib/CMakeLists.txt)
[ -n "$layers" ] || { echo "lib/CMakeLists.txt names no layers"; exit 1; }
failed=0

# look FOLDER ALLOWED: quoted includes below FOLDER must begin with one of ALLOWED, a|b|c.
look() {
    [ -d "$1" ] || return 0
    found=$(find "$1" -type f \( -name '*.h' -o -name '*.hpp' -o -name '*.c' -o -name '*.cpp' \) \
        -exec grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' /dev/null {} + |
        grep -vE "include[[:space:]]*\"($2)/" || true)
    [ -z "$found" ] || { failed=1; echo "$1 may include only $2:"; echo "$found"; }
}

allowed=
for layer in $layers; do
    allowed="${allowed:+$allowed|}$layer"
    look "lib/$layer" "$allowed"
    look "tests/$layer" "$allowed|support"
done
for folder in lib/*/; do
    folder=$(basename "$folder")
    case " $layers package " in
        *" $folder "*) ;;
        *) failed=1; echo "lib/$folder is no layer that lib/CMakeLists.txt names" ;;
    esac
done
found=$(find examples bindings include -type f -exec grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"](\.\./|lib/|($allowed)/)" \
    /dev/null {} + || true)
[ -z "$found" ] || { failed=1; echo "only <sluice/...> is for those outside:"; echo "$found"; }
exit $failed
