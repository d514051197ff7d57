#!/bin/sh
# Builds the `rushes` command with $FEATURES, in the folder of the workspace.
#     build.sh dependencies           what it depends on, in a skeleton made by manifests.sh
#     build.sh command PROGRAM        the command itself, and puts it at PROGRAM
#
# What the build needs beside Rust is a C compiler: for mimalloc and libdeflate, and for the assembler of the TLS
# libraries (ring, aws-lc). It needs no protoc: Temporal's definitions are compiled by protox, which is Rust, and no
# cmake: aws-lc is built by its own build script on Linux for x86-64 and arm64.
set -eu
features=${FEATURES?the features of the command, separated by commas}
# Symbols stay, so that a trace of a panic has names in it.
export CARGO_PROFILE_RELEASE_STRIP=debuginfo CARGO_INCREMENTAL=0

command -v cc >/dev/null || { echo "build.sh: there is no C compiler (Debian: gcc libc6-dev)" >&2; exit 1; }
cargo() {
    command cargo "$@" --release --locked --package rushes-cli --bin rushes --no-default-features --features "$features"
}
case ${1-} in
dependencies)
    cargo build
    ;;
command)
    # The skeleton's files are younger than the sources, which keep their dates on the way into an image: without
    # this Cargo would think that nothing has changed since.
    find . -name target -prune -o -name '*.rs' -exec touch {} +
    cargo build
    install -D -m 755 "${CARGO_TARGET_DIR:-target}/release/rushes" "$2"
    ;;
*)
    echo "build.sh: dependencies or command, not '${1-}'" >&2
    exit 2
    ;;
esac
