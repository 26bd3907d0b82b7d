#!/bin/sh
# CMake's project version, sluice_version() and the major of sluice_abi_version() say the same. version.sh SOURCE
set -eu
cd "$1"
project=$(sed -n 's/^project(sluice VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
library=$(sed -n 's/.*kVersion = "\([^"]*\)".*/\1/p' lib/api/version.h)
abi_major=$(sed -n 's/.*kAbiMajor = \([0-9]*\);.*/\1/p' lib/api/version.h)
if [ "$project" != "$library" ] || [ "${project%%.*}" != "$abi_major" ]; then
    echo "CMakeLists.txt says $project, lib/api/version.h says $library and ABI major $abi_major"
    exit 1
fi
