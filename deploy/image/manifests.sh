#!/bin/sh
# The workspace without its code: manifests, the lock file and, for each target that a manifest or Cargo's layout
# names, a file that compiles to nothing. What is built of it are the dependencies, and the layer with them stays
# as it is until a manifest changes.
#     manifests.sh SOURCES SKELETON
set -eu
sources=$1 skeleton=$2

mkdir -p "$skeleton"
cd "$sources"
find . -name target -prune -o \( -name Cargo.toml -o -name Cargo.lock -o -path './.cargo/config.toml' \) -type f -print |
    while read -r manifest; do
        mkdir -p "$skeleton/$(dirname "$manifest")"
        cp "$manifest" "$skeleton/$manifest"
    done
# Targets lie where Cargo looks for them by itself, or where a `path` says.
find . -name target -prune -o -name Cargo.toml -type f -print | while read -r manifest; do
    package=$(dirname "$manifest")
    {
        for target in src/lib.rs src/main.rs build.rs; do
            if [ -f "$package/$target" ]; then echo "$target"; fi
        done
        for folder in src/bin examples tests benches; do
            for target in "$package/$folder"/*.rs "$package/$folder"/*/main.rs; do
                if [ -f "$target" ]; then echo "${target#"$package"/}"; fi
            done
        done
        sed -n 's/^path *= *"\([^"]*\.rs\)".*/\1/p' "$manifest"
    } | sort -u | while read -r target; do
        mkdir -p "$skeleton/$package/$(dirname "$target")"
        case $target in
        src/lib.rs) : >"$skeleton/$package/$target" ;;
        *) echo 'fn main() {}' >"$skeleton/$package/$target" ;;
        esac
    done
done
