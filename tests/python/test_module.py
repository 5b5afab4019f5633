"""_exochat as a module: what it holds, who may make what, and that the stubs say the same."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import _exochat

ROOT = Path(__file__).resolve().parents[2]
HOSTED = () if hasattr(_exochat, "Client") else ("Client", "Call", "config", "versions")
STUBS = ROOT / "bindings" / "python" / "_exochat-stubs" / "__init__.pyi"


def public(names):
    return {name for name in names if not name.startswith("_")}


def stub_classes():
    tree = ast.parse(STUBS.read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef) and node.name not in HOSTED}


def members(node):
    names = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
    return names | {item.target.id for item in node.body if isinstance(item, ast.AnnAssign)}


def test_the_stubs_name_what_is_there():
    tree = ast.parse(STUBS.read_text(encoding="utf-8"))
    names = {node.target.id for node in tree.body if isinstance(node, ast.AnnAssign)}
    names |= {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    assert public(names) - set(HOSTED) == public(vars(_exochat))


@pytest.mark.parametrize("name", stub_classes())
def test_the_stubs_name_the_members_of(name):
    there = public(vars(getattr(_exochat, name)))
    assert members(stub_classes()[name]) - {"__new__"} == there


@pytest.mark.parametrize("name", sorted(set(stub_classes()) - {"Client", "Call"}))
def test_micropython_has_the_members_of(name):
    """By its sources: what runs there is tests/micropython's."""
    file = {"Head": "wire", "Health": "route"}.get(name, name.lower())
    source = (ROOT / "bindings" / "micropython" / f"{file}.c").read_text(encoding="utf-8")
    said = r"MP_QSTR_(\w+)|EXOMP_METHOD(?:_AS)?\((\w+)|EXOMP_NAME\((\w+)|EXOMP_FIELD\((?:\w+, )?(\w+)"
    there = set().union(*re.findall(said, source))
    missing = members(stub_classes()[name]) - there - {"__new__"}
    assert missing <= {"read"}  # Encoder.read() is CPython's


@pytest.mark.parametrize("name", stub_classes())
def test_a_class_is_final(name):
    with pytest.raises(TypeError):
        type("Mine", (getattr(_exochat, name),), {})


def test_an_answer_is_made_by_an_attempt_only():
    with pytest.raises(TypeError):
        _exochat.Answer()


@pytest.mark.skipif(bool(HOSTED), reason="_exochat has no Client")
def test_the_versions_below_the_library():
    assert re.match(r"libcurl/\d+\.\d+\.\d+ \S+/\d", _exochat.versions())
    variables = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    command = [sys.executable, "-m", "exoclaw_provider_openai"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=variables)
    package, library, below = said.stdout.splitlines()
    assert package.startswith("exoclaw_provider_openai ") and library == f"libexochat {_exochat.__version__}"
    assert below == _exochat.versions()


def test_the_version_is_that_of_the_library():
    header = (ROOT / "include" / "exochat" / "client.h").read_text(encoding="utf-8")
    assert f'#define EXO_VERSION "{_exochat.__version__}"' in header


def test_codes_have_the_names_of_the_table():
    table = re.findall(r"X\((EXO_E_\w+), *(-\d+), (\w+),", (ROOT / "include/exochat/error.h").read_text(encoding="utf-8"))
    assert len(table) > 60
    for name, code, kind in table:
        assert _exochat.error_name(int(code)) == name
        assert _exochat.error_class(int(code)) == kind.lower()
        assert _exochat.error_text(int(code))
    assert _exochat.error_name(10**15) == _exochat.error_name(0)
    assert _exochat.error_class(12345) == "none"
    with pytest.raises(TypeError):
        _exochat.error_name("x")


def test_several_interpreters_have_a_module_each():
    """Multi-phase initialisation: nothing is shared, and a second import makes new types."""
    again = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.path[:0] = %r; import _exochat as a; del sys.modules['_exochat']; import _exochat as b;"
            " import gc; assert a.Failure is not b.Failure; f = a.Failure(-81); del a, sys.modules['_exochat'];"
            " gc.collect(); print(f.code, b.Failure(-1).code)" % [str(Path(_exochat.__file__).parent)],
        ],
        capture_output=True,
        text=True,
    )
    assert again.stdout == "-81 -1\n", again.stderr


def test_only_the_initialiser_is_exported():
    listed = subprocess.run(["nm", "-D", "--defined-only", _exochat.__file__], capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("no nm")
    assert [line.split()[-1] for line in listed.stdout.splitlines()] == ["PyInit__exochat"]


def test_repair():
    assert _exochat.repair("{a: 1, 'b': [True, ") == ('{"a":1,"b":[true]}', True, 1)
    assert _exochat.repair('{"a": "\u00e9"}') == ('{"a": "\u00e9"}', False, 1)
    with pytest.raises(ValueError, match="EXO_E_REPAIR"):
        _exochat.repair("no value here, only words")
    with pytest.raises(ValueError, match="EXO_E_DEPTH_LIMIT"):
        _exochat.repair("[" * 100)
    with pytest.raises(TypeError):
        _exochat.repair(None)


def test_frame():
    buffer = bytearray(100)
    buffer[20:25] = b"hello"
    begin, end = _exochat.frame(buffer, 20, 5)
    assert buffer[begin:end] == b"5\r\nhello\r\n"
    assert _exochat.frame(buffer, 20, 0) == (20, 20)
    for start, size in ((17, 5), (94, 5), (20, -1), (20, 2**62), (2**62, 1), (-1, 1)):
        with pytest.raises(ValueError):
            _exochat.frame(buffer, start, size)
    with pytest.raises(BufferError):
        _exochat.frame(bytes(100), 20, 5)
