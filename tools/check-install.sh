#!/bin/sh
# What is installed can be used: tools/check-install.sh BUILD
# Installs the build folder into an empty one, builds a program against each of the libraries there with what pkg-config
# says, runs both, and lists what was installed.
set -eu
build=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/usr" >/dev/null
description=$(find "$work/usr" -name exochat.pc)
sed -i "s|^prefix=.*|prefix=$work/usr|" "$description"
PKG_CONFIG_PATH=$(dirname "$description")
export PKG_CONFIG_PATH

cat >"$work/program.c" <<'PROGRAM'
#include <exochat/error.h>
#include <stdio.h>

int main(void)
{
    return puts(exo_error_name(EXO_E_TRUNCATED)) < 0;
}
PROGRAM
libraries=$(pkg-config --variable=libdir exochat)
gcc -std=c11 "$work/program.c" $(pkg-config --cflags --libs exochat) -o "$work/with-shared"
gcc -std=c11 "$work/program.c" $(pkg-config --cflags exochat) "$libraries/libexochat.a" \
    $(pkg-config --libs libcurl yaml-0.1) -pthread -o "$work/with-static"
for program in "LD_LIBRARY_PATH=$libraries $work/with-shared" "$work/with-static"; do
    said=$(env $program)
    [ "$said" = EXO_E_TRUNCATED ] || {
        echo "$program says '$said'"
        exit 1
    }
done
find "$work/usr" ! -type d | sed "s|$work||" | sort
