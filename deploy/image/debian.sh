#!/bin/sh
# Debian's packages, and the account, for the images that are more than the command. Options for apt-get may stand before
# the packages: `--simulate` says what would be done.
#     debian.sh [OPTION...] PACKAGE...
set -eu
export DEBIAN_FRONTEND=noninteractive
case $1 in
--simulate)
    apt-get install --yes --no-install-recommends "$@"
    exit
    ;;
esac
apt-get update -qq
apt-get install --yes -qq --no-install-recommends ca-certificates "$@"
rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/*
"$(dirname "$0")/account.sh" ""
