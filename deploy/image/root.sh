#!/bin/sh
# The whole root file system of the plain image: the command, the shared libraries that it names, certificates, an
# account and licences. No shell, no package manager, nothing that could be run but `rushes`.
#     root.sh PROGRAM ROOT [NOTICES]
set -eu
program=$1 root=$2 notices=${3-}
here=$(dirname "$0")
certificates=/etc/ssl/certs/ca-certificates.crt

[ -x "$program" ] || { echo "root.sh: $program is no program" >&2; exit 1; }
[ -s "$certificates" ] || { echo "root.sh: no $certificates (Debian: ca-certificates)" >&2; exit 1; }
if [ -n "$(ls -A "$root" 2>/dev/null)" ]; then
    echo "root.sh: $root is not empty" >&2
    exit 1
fi
install -D -m 755 "$program" "$root/usr/bin/rushes"

# Each library lies where the loader looks for it here: `name => path (address)`, or `path (address)` for the loader.
libraries=$(ldd "$program" | sed -n 's/^.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p' | sort -u)
if ldd "$program" | grep -q 'not found'; then
    echo "root.sh: libraries of $program are missing:" >&2
    ldd "$program" >&2
    exit 1
fi
for library in $libraries; do
    install -D -m 755 "$(readlink -f "$library")" "$root$library"
    # The package's own word on its licence. Debian knows a file by its path with or without /usr, by release.
    for path in "$library" "/usr$library" "${library#/usr}"; do
        package=$(dpkg-query -S "$path" 2>/dev/null | sed 's/:.*//;q' || true)
        if [ -n "$package" ] && [ -f "/usr/share/doc/$package/copyright" ]; then
            install -D -m 644 "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/copyright"
            break
        fi
    done
done
install -D -m 644 "$certificates" "$root$certificates"
if [ -f /usr/share/doc/ca-certificates/copyright ]; then
    install -D -m 644 /usr/share/doc/ca-certificates/copyright "$root/usr/share/doc/ca-certificates/copyright"
fi
if [ -n "$notices" ]; then
    mkdir -p "$root/usr/share/doc"
    cp -R "$notices" "$root/usr/share/doc/rushes"
fi
"$here/account.sh" "$root"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
# What engines mount over; they cannot make these where the root is read-only.
mkdir -p "$root/proc" "$root/sys" "$root/dev"
for file in hosts hostname resolv.conf; do
    : >"$root/etc/$file"
done
