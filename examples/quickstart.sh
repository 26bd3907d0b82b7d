#!/bin/sh
# From a fresh clone to a conversation: quickstart.sh [MODEL [PROMPT]]. Without a model it is one with the demo model:
# yours at a terminal, a played one otherwise. Changes nothing outside the clone except that it installs the Debian
# packages that are missing.
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

sluice=build/quickstart/sluice
if [ $# -eq 0 ]; then
    model=examples/demo_model/demo.gguf
    echo "== 3. The demo model: $model"
    echo "   7 million weights, trained on made-up dialogues of a home assistant; examples/demo_model/README.md tells how."
    echo "   A model of yours: sh examples/quickstart.sh MODEL.gguf [PROMPT]"
    if [ -t 0 ]; then
        echo "== 4. A conversation"
        exec sh examples/demo_model/chat.sh $sluice $model
    fi
    echo "== 4. A conversation that is played, because there is no terminal. None of it was in the training."
    sh examples/demo_model/chat.sh $sluice $model "Turn on the light in the kitchen. Set a tea timer for 8 minutes." \
        "What is 347 + 213?" "Play some opera."
    exit
fi
case $1 in /*) model=$1 ;; *) model=$start/$1 ;; esac
prompt=${2:-Why is the sky blue?}
echo "== 3. The model: $model"
echo "== 4. $sluice generate"
echo "   Prompt: $prompt"
$sluice generate "$model" --prompt "$prompt" -n 48 </dev/null
