#!/usr/bin/env bash
# Builds, on a machine without a GPU, everything that on_gpu.py runs on one that has a GPU and no Rust: the program and the
# test programs, stripped, in DIR (default: gpu-bundle), and all of it in DIR.tar.xz, small enough to be sent along.
# What follows DIR (peer.py, a folder of golden values, one of pictures) comes with it, below DIR/with.
#
#   models/benches/pack_for_gpu.sh [DIR [PATH …]]
#   models/benches/pack_for_gpu.sh gpu-bundle ../shared/peer/peer.py ../shared/golden ../shared/data/cifar-10-batches-bin
set -euo pipefail
start=$PWD
cd "$(dirname "$0")/../.."
bundle=${1:-gpu-bundle}
shift || true
rm -rf "$bundle" "$bundle.tar.xz"
mkdir -p "$bundle/with"
for path in "$@"; do
  (cd "$start" && cp -r --no-preserve=mode "$path" "$OLDPWD/$bundle/with/")
done
# shellcheck disable=SC1090 # the file that the script prints
. "$(.ci/cuda-env)"
cargo build --release --locked --features cuda -p srvae-models
cp target/release/srvae-run "$bundle/"
for test in srvae-tests:golden srvae-tests:gpu srvae:kernels; do
  package=${test%:*} name=${test#*:}
  program=$(cargo test --release --locked --features cuda -p "$package" --test "$name" --no-run --message-format=json |
    python3 -c 'import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message.get("executable") and message["target"]["name"] == sys.argv[1]:
        print(message["executable"])' "$name")
  cp "$program" "$bundle/test-$name"
done
strip "$bundle"/srvae-run "$bundle"/test-*
tar -C "$(dirname "$bundle")" -cf - "$(basename "$bundle")" | xz -T0 -6 >"$bundle.tar.xz"
ls -l "$bundle" "$bundle.tar.xz"
