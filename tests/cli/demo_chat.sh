#!/bin/sh
# The scripted conversation of the quickstart: demo_chat.sh DEMO_FOLDER SLUICE
set -eu
said=$(sh "$1/chat.sh" "$2" "$1/demo.gguf" "Turn on the light in the kitchen. Set a tea timer for 8 minutes." \
    "What is 347 + 213?" "Play some opera.")
echo "$said"
expect() { echo "$said" | grep -qF "$1" || { echo "missing: $1"; exit 1; }; }
expect "set_light(room='kitchen', state='on')"
expect "set_timer(minutes=8, label='tea')"
expect "The light in the kitchen is on. The tea timer runs for 8 minutes."
expect "calculate(expression='347+213')"
expect "347 + 213 = 560."
expect "I have no tool for that."
