#!/bin/sh
# Types: the stubs and a program that uses them under mypy --strict and pyright, and stubtest, which holds the stubs to what
# is there when it runs. Exit status 77 where pip reaches no PyPI. The environment is build/python/types/; the package in it is
# the wheel of tools/python.sh, made before where there is none.
set -eu
cd "$(dirname "$0")/.."
made=build/python/types
status=0
tools/python.sh reachable || exit $?
python=$(tools/python.sh list | sed -n '1s/^[^ ]* //p')
wanted="mypy==2.4.1 pyright[nodejs]==1.1.414"
if [ "$(cat "$made/wanted" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$made"
    "$python" -m venv "$made"
    # shellcheck disable=SC2086
    "$made/bin/pip" install --quiet $wanted
    echo "$wanted" >"$made/wanted"
fi
set -- build/python/wheels/*.whl
[ -e "$1" ] || tools/python.sh wheel >/dev/null
"$made/bin/pip" install --quiet --no-deps --force-reinstall build/python/wheels/*.whl

# In a folder where nothing else can be imported.
program=$PWD/tests/python/typed/program.py
made=$PWD/$made
cd "$made"
cp "$program" program.py
echo "mypy --strict"
bin/mypy --strict --no-incremental -p exoclaw_provider_openai -p _exochat || status=1
bin/mypy --strict --no-incremental program.py || status=1
echo "pyright"
cat >pyrightconfig.json <<'JSON'
{
    "include": ["program.py", "lib/*/site-packages/exoclaw_provider_openai-stubs", "lib/*/site-packages/_exochat-stubs"],
    "exclude": [],
    "typeCheckingMode": "strict",
    "enableTypeIgnoreComments": true,
    "reportUnnecessaryTypeIgnoreComment": "error",
    "reportPrivateUsage": "none"
}
JSON
bin/pyright --pythonpath "$made/bin/python" --project "$made" || status=1
echo "stubtest"
# What begins with an underscore is nobody's, and has no stub.
bin/python -P -m mypy.stubtest exoclaw_provider_openai _exochat --ignore-missing-stub || status=1
exit "$status"
