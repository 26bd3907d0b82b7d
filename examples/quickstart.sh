#!/bin/sh
# From a fresh clone to generated text: quickstart.sh [MODEL [PROMPT]]. Changes nothing outside the clone except
# that it installs the Debian packages that are missing.
set -eu
start=$PWD
cd "$(dirname "$0")/.."

echo "== 1. Debian packages that the build needs"
sh tests/install_packages.sh build

echo "== 2. Building the library and the command in build/quickstart (the first time takes minutes)"
if [ ! -f build/quickstart/build.ninja ]; then
    cmake -S . -B build/quickstart -G Ninja -DCMAKE_BUILD_TYPE=Release -DSLUICE_BUILD_TESTS=OFF \
        --log-level=WARNING </dev/null
fi
cmake --build build/quickstart --target sluice_command </dev/null

if [ $# -gt 0 ]; then
    case $1 in /*) model=$1 ;; *) model=$start/$1 ;; esac
    echo "== 3. The model: $model"
else
    model=build/quickstart/random.gguf
    echo "== 3. A small model with random weights: $model"
    echo "   Nothing is downloaded. Its format is real and its words are random; name a real model to read sense:"
    echo "   sh examples/quickstart.sh MODEL.gguf"
    [ -f "$model" ] || build/quickstart/sluice random-model "$model" --kind moe
fi
prompt=${2:-Why is the sky blue?}
echo "== 4. build/quickstart/sluice generate"
echo "   Prompt: $prompt"
build/quickstart/sluice generate "$model" --prompt "$prompt" -n 48 </dev/null
