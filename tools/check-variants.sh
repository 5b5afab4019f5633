#!/bin/sh
# The tree can be built in parts: tools/check-variants.sh [ROOT]
# Builds what is left without tests, without the libraries that an option leaves out, and without the library at all, in
# a folder of its own, and looks at the symbols that the objects want and the libraries that they are linked to. Then it
# hides every package from pkg-config: CMake must name the one to install, and what can be done without.
set -eu
root=$(cd "${1:-$(dirname "$0")/..}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
unset MAKEFLAGS MFLAGS
if [ -z "${CMAKE_GENERATOR:-}" ] && command -v ninja >/dev/null; then
    CMAKE_GENERATOR=Ninja
    export CMAKE_GENERATOR
fi
count=0
failed=0

fail()
{
    echo "FAILED: $*"
    failed=$((failed + 1))
}

configure()
{
    cmake -S "$root" -B "$@" -DEXO_TESTS=OFF -DEXO_EXAMPLES=OFF >"$work/said" 2>&1
}

# variant NAME WITHOUT OPTION ...: WITHOUT is an expression for the headers and symbols that must not be wanted.
variant()
{
    name=$1 without=$2
    shift 2
    count=$((count + 1))
    if ! configure "$work/$name" -DCMAKE_BUILD_TYPE=Debug -DEXO_WERROR=ON "$@" ||
        ! cmake --build "$work/$name" --parallel 2 >"$work/said" 2>&1; then
        tail -20 "$work/said"
        fail "$name does not build"
        return
    fi
    find "$work/$name" -name '*.o' >"$work/objects"
    [ -s "$work/objects" ] || fail "$name: no object was built"
    xargs nm -u <"$work/objects" | awk '$1 == "U" { print $2 }' | sort -u >"$work/wanted"
    if grep -E "^($without)" "$work/wanted"; then
        fail "$name wants these symbols"
    fi
    library=$work/$name/libexochat.so
    if [ -e "$library" ] && readelf -d "$library" | grep -E "NEEDED.*\[lib($without)"; then
        fail "$name is linked to these libraries"
    fi
    program=$work/$name/exochat
    case $name in
    core) [ ! -e "$library" ] && [ ! -e "$program" ] || fail "$name: there is a library, or a command" ;;
    *without-yaml) [ -e "$library" ] && [ ! -e "$program" ] || fail "$name: there is no library, or a command" ;;
    *) "$program" --version >/dev/null || fail "$name: the command does not start" ;;
    esac
}

openssl="ssl|crypto|SSL_|X509|OPENSSL_|BIO_|PEM_"
variant core "curl|yaml|$openssl|malloc|free" -DEXO_HOSTED=OFF
variant without-yaml "yaml|$openssl" -DEXO_CONFIG=OFF -DEXO_OPENSSL=OFF
variant without-openssl "$openssl" -DEXO_OPENSSL=OFF

# names PACKAGE OPTION ...: without any package that pkg-config knows, this one is missed first.
names()
{
    package=$1
    shift
    count=$((count + 1))
    if PKG_CONFIG_LIBDIR=$work PKG_CONFIG_PATH= cmake -S "$root" -B "$work/missing-$count" "$@" \
        >"$work/said" 2>&1; then
        fail "configured without $package"
    elif ! tr '\n' ' ' <"$work/said" | tr -s ' ' | grep -q "apt-get install $package\. Without: "; then
        cat "$work/said"
        fail "$package is not named"
    fi
}

# describe MODULE ...: from now on pkg-config knows these.
describe()
{
    for module in "$@"; do
        printf 'Name: x\nDescription: x\nVersion: 9\n' >"$work/$module.pc"
    done
}

names libcurl4-openssl-dev
describe libcurl
names libyaml-dev
describe yaml-0.1
names libssl-dev
describe libssl libcrypto
names libcmocka-dev

echo "$count cases, $failed failed"
[ "$failed" = 0 ]
