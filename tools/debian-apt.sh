#!/bin/sh
# apt-get over an apt folder of its own, made at the first call: tools/debian-apt.sh SUITE FOLDER ARGUMENT ...
# The machine's own lists and packages stay as they are. SUITE, or `own` for the releases of this machine, is taken from the
# mirrors that this machine's apt uses, packages and sources alike. Needs apt-get.
set -eu
[ $# -ge 3 ] || { sed -n '2s/^# //p' "$0" >&2 && exit 2; }
suite=$1
mkdir -p "$2/lists/partial" "$2/cache/archives/partial"
folder=$(cd "$2" && pwd)
shift 2

# A mirror and a release in each line.
mirrors()
{
    found=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' 'Component: main' | sort -u)
    [ "$suite" = own ] || found=$(echo "$found" | sed -n "/security/!{s/ .*/ $suite/p;}" | head -1)
    echo "$found"
}

apt_get()
{
    apt-get -qq -o Dir::Etc::sourcelist="$folder/sources.sources" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$folder/lists" \
        -o Dir::Cache="$folder/cache" -o Dir::State::status="$folder/status" -o APT::Sandbox::User= -o Debug::NoLocking=1 "$@"
}

if [ ! -e "$folder/ready" ]; then
    from=$(mirrors)
    if [ -z "$from" ] && [ "$(id -u)" = 0 ]; then
        apt-get -qq update || true # its lists were thrown away
        from=$(mirrors)
    fi
    [ -n "$from" ] || { echo "apt knows no mirror of Debian: run apt-get update" >&2 && exit 1; }
    echo "$from" | while read -r uri release; do
        printf 'Types: deb deb-src\nURIs: %s\nSuites: %s\nComponents: main\n' "$uri" "$release"
        printf 'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n'
    done >"$folder/sources.sources"
    : >"$folder/status"
    apt_get update
    : >"$folder/ready"
fi
apt_get "$@"
