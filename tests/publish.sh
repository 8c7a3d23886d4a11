#!/usr/bin/env bash
# Publishes the sample as ReadyToRun, without and with .NET, and ahead of time, and requires the golden text of each. Takes some minutes
# on 2 cores, so continuous integration does not run it. Needs what docs/publishing.md names.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

check() {
    local name=$1
    shift
    echo "== $name: dotnet publish $*"
    rm -rf samples/Stories/obj/Release/*/*/R2R # the SDK would take images of another kind for this one's
    dotnet publish -c Release samples/Stories "$@" -o "$out/$name" -p:TreatWarningsAsErrors=true
    for mode in dense exact; do
        story=$("$out/$name/Stories" --quiet --temperature 0 --mode "$mode" --tokens 20 --prompt "Once upon a time" </dev/null)
        case "$story" in
            "Once upon a time, there was a little girl named Lily."*) echo "$name, $mode: golden" ;;
            *) echo "$name, $mode: not the golden story: $story"; exit 1 ;;
        esac
    done
    report=$("$out/$name/Stories" --tokens 1 --seed 1 --evaluate 256 </dev/null)
    echo "$name: ${report%%$'\n'*}"
}

check composite -p:PublishReadyToRun=true -p:PublishReadyToRunComposite=true --self-contained true --use-current-runtime
check ready-to-run -p:PublishReadyToRun=true --self-contained false --use-current-runtime
check ahead-of-time -p:PublishAot=true --use-current-runtime
