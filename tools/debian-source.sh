#!/bin/sh
# Unpacks the upstream source of a Debian package, once: tools/debian-source.sh SUITE PACKAGE FOLDER
# It comes by debian-apt.sh, whose folder is below FOLDER. The source is in FOLDER/source as its authors made it, without
# Debian's patches, and FOLDER/version says which it is.
set -eu
[ $# = 3 ] || { sed -n '2s/^# //p' "$0" >&2 && exit 2; }
suite=$1 package=$2
mkdir -p "$3"
folder=$(cd "$3" && pwd)
[ ! -e "$folder/source/.ready" ] || exit 0

rm -rf "$folder/source" "$folder/package"
mkdir -p "$folder/package"
apt=$(cd "$(dirname "$0")" && pwd)/debian-apt.sh
(cd "$folder/package" && "$apt" "$suite" "$folder/apt" source --download-only --tar-only "$package") >"$folder/log" 2>&1 || {
    tail -20 "$folder/log" >&2
    exit 1
}
mkdir "$folder/source"
tar -xf "$folder/package/$package"_*.orig.tar.* --strip-components=1 -C "$folder/source"
for tarball in "$folder/package/$package"_*.orig.tar.*; do
    version=${tarball##*_}
    echo "${version%.orig.tar.*}" >"$folder/version"
done
: >"$folder/source/.ready"
