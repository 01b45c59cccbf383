#!/usr/bin/env bash
# Makes the pictures of the README. Wants a quickstart run in runs/quickstart, and Chromium for the report's picture.
set -euo pipefail
cd "$(dirname "$0")/.."
einthoven() { cargo run --quiet --release -- "$@"; }

einthoven draw simulated:5 -o docs/figures/ecg.svg
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync \
    --user-data-dir="$profile" --hide-scrollbars --window-size=1100,2000 \
    --screenshot=docs/figures/report.png "file://$PWD/runs/quickstart/report.html"
