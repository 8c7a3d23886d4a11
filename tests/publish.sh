#!/usr/bin/env bash
# Publishes the sample as ReadyToRun and ahead of time, and requires the golden text of both. Takes some three minutes on 2 cores,
# so continuous integration does not run it. Needs what docs/publishing.md names.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

check() {
    local name=$1
    shift
    echo "== $name: dotnet publish $*"
    dotnet publish -c Release samples/Stories "$@" -o "$out/$name" -p:TreatWarningsAsErrors=true
    for mode in dense exact; do
        story=$("$out/$name/Stories" --quiet --temperature 0 --mode "$mode" --tokens 20 --prompt "Once upon a time" </dev/null)
        case "$story" in
            "Once upon a time, there was a little girl named Lily."*) echo "$name, $mode: golden" ;;
            *) echo "$name, $mode: not the golden story: $story"; exit 1 ;;
        esac
    done
    "$out/$name/Stories" --tokens 1 --seed 1 --evaluate 256 </dev/null | grep -m1 vectors
}

check ready-to-run -p:PublishReadyToRun=true --self-contained false --use-current-runtime
check ahead-of-time -p:PublishAot=true --use-current-runtime
