#!/bin/sh
# Installs the Debian packages that are missing: install_packages.sh build | quick | whole. What `build`
# needs compiles the library and its command, `quick` and `whole` are for tests/run.sh.
set -eu
build="g++ cmake ninja-build pkg-config ccache libutf8proc-dev libxxhash-dev libsentencepiece-dev
    nlohmann-json3-dev libspdlog-dev libfmt-dev libeigen3-dev libcli11-dev"
quick="$build libdnnl-dev catch2 clang-format-14 python3-jsonschema"
whole="$quick libbenchmark-dev qemu-user g++-aarch64-linux-gnu clang-14 libclang-rt-14-dev ca-certificates"
case ${1:-} in
    build) wanted=$build ;;
    quick) wanted=$quick ;;
    whole) wanted=$whole ;;
    *) echo "usage: install_packages.sh build | quick | whole" >&2; exit 2 ;;
esac

missing=
for package in $wanted; do
    case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
        "install ok installed") ;;
        *) missing="$missing $package" ;;
    esac
done
if [ -z "$missing" ]; then
    echo "All Debian packages needed are installed."
    exit 0
fi

if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null; then
    as_root=sudo
else
    echo "These Debian packages are missing, and installing them needs root:$missing" >&2
    exit 1
fi
echo "Installing Debian packages:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() { $as_root "$@" </dev/null >"$log" 2>&1 || { cat "$log" >&2; exit 1; }; }
quietly apt-get -q -o Acquire::Retries=3 update
quietly env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=3 install --no-install-recommends $missing
