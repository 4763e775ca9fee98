#!/usr/bin/env bash
# Makes the README's picture: trains the model and draws its graph beside what its modes do.
# usage: docs/pictures/make.sh [minutes of training, 30 by default] [data, the built-in scenes by default]
set -euo pipefail
cd "$(dirname "$0")/../.."
minutes=${1:-30}
data=${2:-builtin}
run=${RUN:-runs/picture}
cargo build --release --bin srvae-run
program=${CARGO_TARGET_DIR:-target}/release/srvae-run
"$program" train models/srvae.pgm --data "$data" --preset quick --batch 16 --steps 100000 --minutes "$minutes" --out "$run"
"$program" figure "$run" --columns 6 --out docs/pictures/srvae.png
ls -l docs/pictures/srvae.png
