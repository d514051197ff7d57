#!/bin/sh
# Whom the command runs as, and where it may write, in the root file system ROOT ("" for this one).
#     account.sh ROOT
# The number is what counts: Kubernetes' runAsNonRoot looks at no name.
set -eu
root=$1
id=65532

mkdir -p "$root/etc"
grep -q '^root:' "$root/etc/passwd" 2>/dev/null || echo 'root:x:0:0:root:/nonexistent:/sbin/nologin' >>"$root/etc/passwd"
grep -q '^root:' "$root/etc/group" 2>/dev/null || echo 'root:x:0:' >>"$root/etc/group"
echo "rushes:x:$id:$id:Rushes:/scratch:/sbin/nologin" >>"$root/etc/passwd"
echo "rushes:x:$id:" >>"$root/etc/group"
# As /tmp is, so that it serves whatever number a cluster gives the process.
mkdir -p "$root/scratch"
chmod 1777 "$root/scratch"
