#!/bin/sh
# Makes the demo model again: make.sh FOLDER. Packages, training (about an hour on two cores), GGUF, evaluation.
set -eu
code=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"
[ -x environment/bin/python ] || python3 -m venv environment
environment/bin/pip install -q -r "$code/requirements.txt"
# Without these the C library gives memory back to the system after every operation.
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=8589934592 OMP_NUM_THREADS=1
environment/bin/python "$code/train.py" run
environment/bin/python "$code/export_gguf.py" run/model demo-F32.gguf
environment/bin/python "$code/export_gguf.py" run/model demo.gguf --type Q8_0
environment/bin/python "$code/router_load.py" run/model router_load.json
environment/bin/python "$code/pictures.py" run/log.json router_load.json .
environment/bin/python "$code/evaluate.py" run/model answers.json
