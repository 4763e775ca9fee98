#!/usr/bin/env bash
# Builds, on a machine without a GPU, everything that on_gpu.py runs on one that has a GPU and no Rust: the program and the
# test programs, stripped, below DIR (default: gpu-bundle).
#
#   models/benches/pack_for_gpu.sh [DIR]
set -euo pipefail
cd "$(dirname "$0")/../.."
bundle=${1:-gpu-bundle}
mkdir -p "$bundle"
# shellcheck disable=SC1090 # the file that the script prints
. "$(.ci/cuda-env)"
cargo build --release --locked --features cuda -p srvae-models
cp target/release/srvae-run "$bundle/"
for test in srvae-tests:golden srvae-tests:gpu srvae-runtime:kernels; do
  package=${test%:*} name=${test#*:}
  program=$(cargo test --release --locked --features cuda -p "$package" --test "$name" --no-run --message-format=json |
    python3 -c 'import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message.get("executable") and message["target"]["name"] == sys.argv[1]:
        print(message["executable"])' "$name")
  cp "$program" "$bundle/test-$name"
done
strip "$bundle"/*
ls -l "$bundle"
