#!/bin/sh
# Gets MicroPython's source from Debian and builds what the tests of bindings/micropython run on:
#     tools/micropython.sh source|stock|cross|unix|asan|natmod [ARCH ...]|board m3|m4|m7|rv32[-user[-small]]|exoclaw|all
# All of it goes to build/micropython/ and is made once; `unix`, `asan`, `natmod` and `board` are made again after a
# change. MicroPython is that of SUITE, taken from the mirror that this machine's apt uses, through an apt folder of its
# own: the machine's own lists and packages stay as they are. Needs tools/install-packages.sh micropython.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
SUITE=${EXO_MICROPYTHON_SUITE:-trixie}
made=${EXO_MICROPYTHON_DIR:-$root/build/micropython}
python=/usr/bin/python3
[ -x "$python" ] || python=python3
jobs=${EXO_JOBS:-$(nproc 2>/dev/null || echo 2)}
unset MAKEFLAGS MFLAGS USER_C_MODULES
export PYTHONDONTWRITEBYTECODE=1
mkdir -p "$made"

# Runs a command with its output kept, and shown only when it fails.
quietly()
{
    log=$1
    shift
    "$@" >"$log" 2>&1 || {
        tail -40 "$log" >&2
        echo "FAILED: $* (see $log)" >&2
        return 1
    }
}

# ---- Debian's packages, without touching the machine's ----

apt_get()
{
    "$root/tools/debian-apt.sh" "$SUITE" "$made/apt" "$@"
}

source_tree()
{
    [ ! -e "$made/source/.ready" ] || return 0
    rm -rf "$made/source" "$made/package"
    mkdir -p "$made/package"
    (cd "$made/package" && quietly "$made/apt.log" apt_get source --download-only micropython)
    quietly "$made/apt.log" dpkg-source --no-check --no-copy -x "$made"/package/micropython_*.dsc "$made/source"
    : >"$made/source/.ready"
}

# The interpreter as Debian ships it, with the libraries that it wants, started by a script.
stock()
{
    [ ! -x "$made/stock/micropython" ] || return 0
    rm -rf "$made/stock" "$made/stock-packages"
    mkdir -p "$made/stock" "$made/stock-packages"
    (cd "$made/stock-packages" &&
        quietly "$made/apt.log" apt_get download micropython libc6 libmbedtls21 libmbedcrypto16 libmbedx509-7 libffi8)
    for package in "$made"/stock-packages/*.deb; do
        dpkg-deb -x "$package" "$made/stock"
    done
    loader=$(find "$made/stock" -name 'ld-linux-*.so.*' | head -1)
    libraries=$(find "$made/stock" -name 'lib*.so.*' -printf '%h\n' | sort -u | tr '\n' ':')
    cat >"$made/stock/micropython.new" <<END
#!/bin/sh
exec '$loader' --library-path '$libraries' '$made/stock/usr/bin/micropython' "\$@"
END
    chmod +x "$made/stock/micropython.new"
    mv "$made/stock/micropython.new" "$made/stock/micropython"
}

cross()
{
    [ ! -x "$made/mpy-cross" ] || return 0
    source_tree
    quietly "$made/cross.log" make -C "$made/source/mpy-cross" -j"$jobs" PYTHON="$python" BUILD="$made/cross" PROG=mpy-cross
    ln -sf cross/mpy-cross "$made/mpy-cross"
}

# What make does not see: objects of the module that are older than the options they are compiled with.
drop_old()
{
    [ ! -d "$1" ] || find "$1" -path '*/exochat/*.o' ! -newer "$root/micropython.mk" -delete
}

# ---- the unix port with the user module ----

# unix_port NAME [MAKE VARIABLE ...]: build/micropython/NAME
unix_port()
{
    name=$1
    shift
    source_tree
    cross
    mkdir -p "$made/modules"
    ln -sfn "$root" "$made/modules/exochat"
    drop_old "$made/$name-build"
    variant=$(cat tests/micropython/variant/* | cksum)
    [ "$(cat "$made/$name-build/variant" 2>/dev/null)" = "$variant" ] || rm -rf "$made/$name-build" # make does not see it
    mkdir -p "$made/$name-build"
    echo "$variant" >"$made/$name-build/variant"
    rm -f "$made/$name-build/frozen_content.c" # nor that a qstr of it is a module's by now
    quietly "$made/$name.log" make -C "$made/source/ports/unix" -j"$jobs" PYTHON="$python" VARIANT=exochat \
        VARIANT_DIR="$root/tests/micropython/variant" BUILD="$made/$name-build" PROG=micropython \
        USER_C_MODULES="$made/modules" MICROPY_MPYCROSS="$made/mpy-cross" MICROPY_MPYCROSS_DEPENDENCY= "$@"
    ln -sf "$name-build/micropython" "$made/$name"
}

sanitized()
{
    sanitize="-fsanitize=address,undefined --param asan-use-after-return=0"
    unix_port asan DEBUG=1 STRIP= CFLAGS_EXTRA="$sanitize -fno-omit-frame-pointer" LDFLAGS_EXTRA="-fsanitize=address,undefined"
}

# ---- native modules ----

ARCHS="x64 armv6m armv7m armv7emsp armv7emdp rv32imc"

native()
{
    source_tree
    cross
    for arch in ${*:-$ARCHS}; do
        mkdir -p "$made/natmod-$arch"
        quietly "$made/natmod-$arch/log" make -C bindings/micropython/natmod -j"$jobs" MPY_DIR="$made/source" ARCH="$arch" \
            PYTHON="$python" BUILD="$made/natmod-$arch/build" MOD_FILE="$made/natmod-$arch/_exochat.mpy"
    done
}

# ---- emulated boards ----

# board NAME [MAKE VARIABLE ...]: firmware for an emulated board, build/micropython/board-NAME/firmware.elf
board()
{
    [ $# -gt 0 ] || usage
    name=$1
    shift
    source_tree
    cross
    heap=2500000
    case $name in
    m3*) port_board=MPS2_AN385 ;;
    m4*) port_board=MPS2_AN386 ;;
    m7*) port_board=MPS2_AN500 ;;
    rv32*) port_board=VIRT_RV32 heap=1400000 ;;
    *) usage ;;
    esac
    folder=$root/tests/micropython/boards/$port_board
    [ -d "$folder" ] || folder=boards/$port_board
    case $name in
    *-small) set -- EXOCHAT_SMALL=1 "$@" ;;
    esac
    case $name in
    *-user | *-user-small) mkdir -p "$made/modules" && ln -sfn "$root" "$made/modules/exochat" && set -- USER_C_MODULES="$made/modules" "$@" ;;
    esac
    drop_old "$made/board-$name"
    set -- -C "$made/source/ports/qemu" -j"$jobs" PYTHON="$python" BOARD="$port_board" BOARD_DIR="$folder" BUILD="$made/board-$name" \
        FROZEN_MANIFEST= MICROPY_HEAP_SIZE="${EXO_BOARD_HEAP:-$heap}" MICROPY_MPYCROSS="$made/mpy-cross" \
        MICROPY_MPYCROSS_DEPENDENCY= "$@"
    case $name in
    rv32*) # Debian has picolibc for rv32imac only under that very name, and compiles under another
        make "$@" >"$made/board-$name.log" 2>&1 || set -- "$@" RV32_ARCH=rv32imac
        ;;
    esac
    quietly "$made/board-$name.log" make "$@"
}

# ---- exoclaw, from PyPI: as its firmware stages it, and its own tests of imports (exit status 77: pip reaches no PyPI)

EXOCLAW="exoclaw==0.32.0 exoclaw-conversation==0.25.0 exoclaw-firmware==0.11.0"
EXOCLAW_TESTS="exoclaw-provider-openai==0.4.3 exoclaw-conversation==0.25.0 exoclaw-firmware==0.11.0"

exoclaw()
{
    [ "$(cat "$made/exoclaw/made" 2>/dev/null)" != "$EXOCLAW $EXOCLAW_TESTS" ] || return 0
    rm -rf "$made/exoclaw"
    mkdir -p "$made/exoclaw/stage" "$made/exoclaw/tests" "$made/exoclaw/wheels" "$made/exoclaw/sources"
    tools/python.sh reachable || return $?
    pip=build/python/build/bin/pip
    # shellcheck disable=SC2086
    quietly "$made/exoclaw/log" "$pip" download --no-deps --only-binary :all: --dest "$made/exoclaw/wheels" $EXOCLAW
    # shellcheck disable=SC2086
    quietly "$made/exoclaw/log" "$pip" download --no-deps --no-binary exoclaw-provider-openai,exoclaw-conversation,exoclaw-firmware \
        --dest "$made/exoclaw/sources" $EXOCLAW_TESTS
    for wheel in "$made"/exoclaw/wheels/*.whl; do
        "$python" -m zipfile -e "$wheel" "$made/exoclaw/stage"
    done
    mv "$made"/exoclaw/stage/exoclaw/_mp_lib/*.py "$made/exoclaw/stage"
    find "$made/exoclaw/stage" -name '_cpython.py' -delete
    for archive in "$made"/exoclaw/sources/*.tar.gz; do
        name=$(basename "$archive" | sed 's/-[0-9.]*tar.gz$//')
        mkdir "$made/exoclaw/sources/$name"
        tar -xzf "$archive" -C "$made/exoclaw/sources/$name" --strip-components 1
        cp "$made/exoclaw/sources/$name/tests/micro/test_imports.py" "$made/exoclaw/tests/test_imports_$name.py"
    done
    echo "$EXOCLAW $EXOCLAW_TESTS" >"$made/exoclaw/made"
}

usage()
{
    sed -n '2,7s/^# //p' "$0" >&2
    exit 2
}

[ $# -gt 0 ] || usage
case $1 in
source) source_tree ;;
stock) stock ;;
cross) cross ;;
unix) unix_port unix ;;
asan) sanitized ;;
natmod)
    shift
    native "$@"
    ;;
board)
    shift
    board "$@"
    ;;
exoclaw) exoclaw ;;
all)
    stock
    unix_port unix
    native
    ;;
*) usage ;;
esac
