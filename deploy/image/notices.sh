#!/bin/sh
# The licences of what is linked into the command with $FEATURES, as their authors ask for with every copy.
#     notices.sh FOLDER
# Writes FOLDER/crates.txt, a line a crate (name, version, licence), and FOLDER/crates/NAME-VERSION/LICENSE and the like.
set -eu
folder=$1
features=${FEATURES?the features of the command, separated by commas}

mkdir -p "$folder"
cargo tree --locked --package rushes-cli --no-default-features --features "$features" --edges normal \
    --target "$(rustc -vV | sed -n 's/^host: //p')" --prefix none --no-dedupe --format '{p}|{l}' |
    sed 's/ (proc-macro)//; s/ v/ /' | grep -v '(/' | sort -u >"$folder/list"
sources=$(echo "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*)
while IFS='|' read -r crate licence; do
    printf '%s %s\n' "$crate" "${licence:-"see its files"}"
    crate=$(echo "$crate" | tr ' ' -)
    for file in "$sources/$crate"/LICEN[CS]E* "$sources/$crate"/COPYING* "$sources/$crate"/COPYRIGHT* "$sources/$crate"/NOTICE*; do
        if [ -f "$file" ]; then install -D -m 644 "$file" "$folder/crates/$crate/$(basename "$file")"; fi
    done
done <"$folder/list" >"$folder/crates.txt"
rm "$folder/list"
[ -s "$folder/crates.txt" ] || { echo "notices.sh: no crate was found" >&2; exit 1; }
