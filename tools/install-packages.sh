#!/bin/sh
# Installs the Debian packages that a group of tasks needs and that are not there yet: tools/install-packages.sh GROUP ...
# The function below has the groups. Does nothing when all are there. Without root it tries `sudo -n`, and else prints
# the one line to type. On other systems it names what is needed and goes on. No service is left running.
set -eu

packages_of()
{
    case $1 in
    build) # without the certificates no https endpoint can be asked
        echo build-essential cmake ninja-build pkg-config libcurl4-openssl-dev libyaml-dev libssl-dev ca-certificates
        ;;
    python) # pip builds the module with these; the rest of what it wants is on PyPI
        echo build-essential cmake ninja-build pkg-config libcurl4-openssl-dev ca-certificates python3 python3-dev python3-venv
        ;;
    wheel) # libcurl's source is Debian's
        packages_of python
        echo dpkg-dev debian-archive-keyring libssl-dev libnghttp2-dev zlib1g-dev libyaml-dev openssl
        ;;
    demo)
        packages_of build
        echo python3
        ;;
    arm) echo gcc-arm-none-eabi libnewlib-arm-none-eabi ;;
    unix) # MicroPython's unix port: its source is built
        echo build-essential dpkg-dev debian-archive-keyring pkg-config libffi-dev libmbedtls-dev python3 openssl
        ;;
    micropython) # the boards are emulated
        packages_of arm
        packages_of unix
        echo cmake python3-pyelftools python3-yaml qemu-system-arm qemu-system-misc gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf
        ;;
    coverage) echo build-essential cmake ninja-build pkg-config libcmocka-dev gcovr ;;
    test)
        packages_of build
        packages_of arm
        packages_of coverage
        packages_of fresh
        packages_of micropython
        packages_of python
        packages_of wheel
        echo clang python3 python3-dbg python3-pytest python3-pytest-xdist python3-yaml nginx haproxy openssl libuv1-dev time valgrind
        ;;
    format) echo git clang-format ;;
    lint)
        packages_of build
        packages_of format
        echo clang-tidy python3 python3-dev python3-yaml
        ;;
    heavy) # a database for the test of durable turns: the test starts its own of it
        packages_of python
        echo postgresql
        ;;
    bench)
        packages_of build
        packages_of python
        packages_of unix
        echo curl git python3 openssl time valgrind
        command -v npm >/dev/null || echo nodejs npm # they may be somebody else's
        ;;
    fuzz) echo build-essential clang libclang-rt-dev ;;
    fresh) echo debootstrap git ;;
    *)
        echo "usage: tools/install-packages.sh build|python|wheel|demo|coverage|test|heavy|lint|format|bench|fuzz|fresh|arm|unix|micropython ..." >&2
        exit 2
        ;;
    esac
}

[ $# -gt 0 ] || packages_of ""
wanted=
for group in "$@"; do
    list=$(packages_of "$group")
    wanted="$wanted $list"
done
wanted=$(printf '%s\n' $wanted | sort -u)

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "Not a Debian system; these packages, or what they are called here, are needed:" $wanted >&2
    exit 0
fi

# What is wanted, less what is installed.
missing_of()
{
    installed=$(dpkg-query -W -f '${binary:Package} ${db:Status-Status}\n' $wanted 2>/dev/null |
        sed -n 's/^\([^: ]*\)[^ ]* installed$/\1/p')
    for package in $wanted; do
        printf '%s\n' "$installed" | grep -qxF "$package" || printf '%s ' "$package"
    done
}

missing=$(missing_of)
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        exec sudo -n sh "$0" "$@"
    fi
    echo "These packages are missing: $missing" >&2
    echo "Please type: sudo sh $0 $*" >&2
    exit 1
fi

# Debian starts a server when it installs it, unless this file says no. The tests start their own, on free ports.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
fi

echo "Installing $missing"
DEBIAN_FRONTEND=noninteractive
export DEBIAN_FRONTEND
quietly="-qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300"
apt-get $quietly update || echo "apt-get update failed; trying with the lists that are there" >&2
apt-get $quietly install -y --no-install-recommends $missing >/dev/null </dev/null

# Nor at the next start of the machine.
if [ -d /run/systemd/system ]; then
    for server in nginx haproxy postgresql; do
        case " $missing " in *" $server "*) systemctl disable "$server" >/dev/null 2>&1 || true ;; esac
    done
fi

missing=$(missing_of)
if [ -n "$missing" ]; then
    echo "Could not install: $missing" >&2
    exit 1
fi
