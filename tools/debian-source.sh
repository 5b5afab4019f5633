#!/bin/sh
# Unpacks the upstream source of a Debian package, once: tools/debian-source.sh SUITE PACKAGE FOLDER
# It is taken from the mirror that this machine's apt uses, through an apt folder of its own below FOLDER: the machine's
# own lists and packages stay as they are. The source is in FOLDER/source as its authors made it, without Debian's patches,
# and FOLDER/version says which it is. Needs apt-get.
set -eu
[ $# = 3 ] || { sed -n '2s/^# //p' "$0" >&2 && exit 2; }
suite=$1 package=$2
mkdir -p "$3"
folder=$(cd "$3" && pwd)
[ ! -e "$folder/source/.ready" ] || exit 0

mirror_of_apt()
{
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' | sort -u | grep -v security | head -1
}

own_apt()
{
    apt-get -qq -o Dir::Etc::sourcelist="$folder/apt/sources.sources" -o Dir::Etc::sourceparts=- \
        -o Dir::State::lists="$folder/apt/lists" -o Dir::Cache="$folder/apt/cache" -o Dir::State::status="$folder/apt/status" \
        -o APT::Sandbox::User= -o Debug::NoLocking=1 "$@" >>"$folder/log" 2>&1 || {
        tail -20 "$folder/log" >&2
        return 1
    }
}

mirror=$(mirror_of_apt)
if [ -z "$mirror" ] && [ "$(id -u)" = 0 ]; then
    apt-get -qq update || true # its lists were thrown away
    mirror=$(mirror_of_apt)
fi
[ -n "$mirror" ] || { echo "apt knows no mirror of Debian: run apt-get update" >&2 && exit 1; }
rm -rf "$folder/source" "$folder/package" "$folder/log"
mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial" "$folder/package"
: >>"$folder/apt/status"
cat >"$folder/apt/sources.sources" <<END
Types: deb-src
URIs: $mirror
Suites: $suite
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END
own_apt update
(cd "$folder/package" && own_apt source --download-only --tar-only "$package")
mkdir "$folder/source"
tar -xf "$folder/package/$package"_*.orig.tar.* --strip-components=1 -C "$folder/source"
for tarball in "$folder/package/$package"_*.orig.tar.*; do
    version=${tarball##*_}
    echo "${version%.orig.tar.*}" >"$folder/version"
done
: >"$folder/source/.ready"
