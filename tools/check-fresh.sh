#!/bin/sh
# Does what the README says on a machine that has nothing: tools/check-fresh.sh TARGET ...
# For each target of the Makefile a bare Debian is unpacked, as debootstrap's minbase makes it from the sources of this
# machine; a clone of HEAD is put into it, without what is not committed; the README's line for a bare Debian is typed,
# and then `make TARGET`. After `install` the README's example is compiled with the README's line, and must start; `python`
# is the README's way, line by line, and its example runs against the scripted server.
#
# Exit status 77, and the reason, where this is not possible: it takes root, debootstrap and apt. In continuous
# integration (CI is set) what root cannot do is a failure. The bare root and the packages that were fetched are kept in
# build/fresh/, what each target said as well. Mounts and processes live in namespaces, where this machine gives them,
# and vanish with them. FUZZ_SECONDS, and QUICK of `bench`, are handed on.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
cache=$root/build/fresh

impossible()
{
    echo "check-fresh: not possible here: $*"
    if [ -n "${CI:-}" ] && [ "${CI:-}" != false ] && [ "$(id -u)" = 0 ]; then
        exit 1
    fi
    exit 77
}

[ $# -gt 0 ] || { echo "usage: tools/check-fresh.sh TARGET ..." >&2; exit 2; }
if [ -n "${EXOCHAT_FRESH:-}" ]; then
    echo "check-fresh: this is the bare root already"
    exit 77
fi
[ "$(id -u)" = 0 ] || impossible "only root can make another root"
for command in apt-get debootstrap git chroot flock; do
    command -v $command >/dev/null || impossible "no $command"
done
GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*' # the tree may be somebody else's
export GIT_CONFIG_COUNT GIT_CONFIG_KEY_0 GIT_CONFIG_VALUE_0
head=$(git rev-parse HEAD 2>/dev/null) || impossible "this is no clone"
[ -z "$(git status --porcelain)" ] || echo "check-fresh: what is not committed is not tested"

# The first line of the README for a machine without make. What it recommends is not installed, so that nothing else is.
first=$(sed -n 's/.*`\(apt-get update && apt-get install [^`]*\)`.*/\1/p' README.md)
[ -n "$first" ] || { echo "check-fresh: the README has no line for a bare Debian"; exit 1; }

work=
child=
finish()
{
    [ -z "$child" ] || kill -9 "$child" 2>/dev/null || true
    [ -z "$work" ] || rm -rf --one-file-system "$work"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$cache/archives/partial"
exec 9>"$cache/lock"
flock 9 # one at a time: the packages that were fetched are shared
work=$(mktemp -d "$cache/work.XXXXXX")
chmod 755 "$work"

# Runs a command in namespaces of its own, where that is allowed: its mounts and its processes end with it.
if unshare --mount --pid --fork true 2>/dev/null; then
    apart="unshare --mount --propagation private --pid --fork --kill-child"
else
    apart=
fi
apart()
{
    $apart "$@" 9>&- &
    child=$!
    status=0
    wait "$child" || status=$?
    child=
    return "$status"
}

# ---- the bare root

for name in http_proxy https_proxy; do
    eval "value=\${$name:-}"
    [ -n "$value" ] || eval "$(apt-config shell $name "Acquire::${name%_proxy}::Proxy")"
    [ -z "$(eval "echo \${$name:-}")" ] || export "${name?}"
done

# The release itself, neither its updates nor its backports, is the first source of this machine without a - or a /.
sources=$(apt-get indextargets --no-release-info --format '$(RELEASE) $(REPO_URI) $(COMPONENT)' 'Created-By: Packages')
set -- "$(printf '%s\n' "$sources" | awk '$1 !~ /[-\/]/ && $3 == "main" { print $1, $2; exit }')" "$@"
release=${1% *} uri=${1#* }
shift
[ -n "$release" ] || impossible "apt has no source with a release"

bare=$cache/$release-$(dpkg --print-architecture).tar
if [ ! -e "$bare" ]; then
    echo "check-fresh: making a bare $release"
    began=$(date +%s)
    apart debootstrap --variant=minbase "$release" "$work/root" "$uri" >"$cache/debootstrap.log" 2>&1 || {
        tail -5 "$cache/debootstrap.log"
        impossible "debootstrap failed"
    }
    rm -rf "$work/root/var/cache/apt/archives" "$work/root/var/lib/apt/lists"
    mkdir -p "$work/root/var/cache/apt/archives/partial" "$work/root/var/lib/apt/lists/partial"
    tar -C "$work/root" --one-file-system -cf "$work/bare.tar" .
    mv "$work/bare.tar" "$bare"
    rm -rf --one-file-system "$work/root"
    echo "check-fresh: a bare $release, $(($(date +%s) - began)) s"
fi

# What apt must know to reach the sources of this machine: where they are, their keys, how to get there. /etc/hosts goes
# in without localhost, which a bare root need not know.
furnish()
{
    rm -rf "$1/etc/apt/sources.list"
    for name in sources.list sources.list.d trusted.gpg trusted.gpg.d keyrings preferences preferences.d auth.conf \
        auth.conf.d; do
        [ ! -e "/etc/apt/$name" ] || cp -a "/etc/apt/$name" "$1/etc/apt/"
    done
    # Certificates that this machine trusts beside Debian's: whoever installs ca-certificates has them too.
    mkdir -p "$1/usr/local/share/ca-certificates"
    [ ! -d /usr/local/share/ca-certificates ] || cp -a /usr/local/share/ca-certificates/. "$1/usr/local/share/ca-certificates/"
    [ ! -d /usr/share/keyrings ] || cp -an /usr/share/keyrings/. "$1/usr/share/keyrings/"
    {
        apt-config dump | grep '^Acquire::' | grep -v -e Auto-Detect -e '^Acquire::IndexTargets' || true
        if printf '%s\n' "$sources" | grep -q ' https:' && [ -e /etc/ssl/certs/ca-certificates.crt ]; then
            cp -L /etc/ssl/certs/ca-certificates.crt "$1/etc/apt/"
            echo 'Acquire::https::CaInfo "/etc/apt/ca-certificates.crt";'
        fi
        echo 'APT::Install-Recommends "false";'
    } >"$1/etc/apt/apt.conf.d/00machine"
    echo force-unsafe-io >"$1/etc/dpkg/dpkg.cfg.d/unsafe" # it is thrown away
    cp -L /etc/resolv.conf "$1/etc/resolv.conf" 2>/dev/null || true
    sed /localhost/d /etc/hosts >"$1/etc/hosts" 2>/dev/null || true
}

# ---- one target

# What is typed, in the bare root.
typed()
{
    cat <<SH
set -eux
$first
cd /src/exochat
SH
    if [ "$1" = python ]; then
        sed -n '/^## Python/,/^## /p' README.md | sed -n '/^```sh$/,/^export/p' | grep -v -e '^```' -e '^export'
        cat <<SH
python3 tests/upstream --port 8080 >/src/upstream &
until grep -q listening /src/upstream; do sleep 0.1; done
EXOCHAT_BASE_URL=http://127.0.0.1:8080/v1 venv/bin/python examples/python/chat.py ok 'Why is the sky blue?'
kill \$!
make python
SH
        return
    fi
    echo "make $1"
    [ "$1" = install ] || return 0
    cat <<SH
cd /src
$(grep '^cc chat\.c ' README.md)
./chat || [ \$? = 2 ]
EXOCHAT_BASE_URL=http://127.0.0.1:1/v1 EXOCHAT_API_KEY=none ./chat a-model 'Is anybody there?' || [ \$? = 1 ]
exochat --version
SH
}

# Where there are namespaces /proc is mounted, pseudo terminals too where that is allowed, and packages that were fetched
# once are not fetched again.
inside='
if [ -n "$1" ]; then
    mount -t proc proc "$2/proc"
    if mkdir -p "$2/dev/pts" && mount -t devpts -o newinstance,ptmxmode=0666 devpts "$2/dev/pts" 2>/dev/null; then
        ln -sf pts/ptmx "$2/dev/ptmx"
    fi
    mount --bind "$3" "$2/var/cache/apt/archives"
fi
shift 3
exec chroot "$@"
'

# hand_on NAME ...: NAME=value for each variable that is set.
hand_on()
{
    for name in "$@"; do
        eval "value=\${$name:-}"
        [ -z "$value" ] || printf '%s=%s\n' "$name" "$value"
    done
}

fresh()
{
    target=$1
    new=$work/$target
    mkdir "$new"
    tar -C "$new" -xf "$bare"
    furnish "$new"
    git clone --quiet "$root" "$new/src/exochat"
    git -C "$new/src/exochat" checkout --quiet --detach "$head"
    [ ! -d ../shared ] || cp -a ../shared "$new/src/"
    sed -n '/^```c$/,/^```$/p' README.md | sed '1d;$d' >"$new/src/chat.c"
    typed "$target" >"$new/src/typed.sh"
    began=$(date +%s)
    status=0
    # shellcheck disable=SC2046
    apart sh -ec "$inside" sh "$apart" "$new" "$cache/archives" \
        "$new" /usr/bin/env -i --default-signal HOME=/root TERM=dumb EXOCHAT_FRESH=1 \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        $(hand_on http_proxy https_proxy PIP_INDEX_URL FUZZ_SECONDS QUICK) \
        sh /src/typed.sh >"$cache/$target.log" 2>&1 </dev/null || status=$?
    seconds=$(($(date +%s) - began))
    rm -rf --one-file-system "$new"
    if [ "$status" != 0 ]; then
        tail -40 "$cache/$target.log"
        echo "check-fresh: make $target fails in a bare $release after $seconds s: $cache/$target.log"
        return 1
    fi
    echo "check-fresh: make $target, $seconds s"
}

failed=0
for target in "$@"; do
    fresh "$target" || failed=$((failed + 1))
done
echo "$# targets in a bare $release, $failed failed"
[ "$failed" = 0 ]
