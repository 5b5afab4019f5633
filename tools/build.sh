#!/bin/sh
# Configures and builds: tools/build.sh FOLDER [CMake option ...]
# A new folder is built with Ninja where it is installed, an old one with what it was made for. Options that are not
# given have their default, whatever the folder was built with before.
set -eu
cd "$(dirname "$0")/.."
folder=$1
shift

if [ -z "${CMAKE_GENERATOR:-}" ] && command -v ninja >/dev/null; then
    CMAKE_GENERATOR=Ninja
    export CMAKE_GENERATOR
fi
unset MAKEFLAGS MFLAGS
cmake -S . -B "$folder" -U "EXO_*" -U CMAKE_BUILD_TYPE -U CMAKE_INSTALL_PREFIX "$@"
cmake --build "$folder" --parallel "$(nproc 2>/dev/null || echo 2)"
