# The short names of the things one does with this tree. CMake does the building, the scripts in tools/ do the rest.
# Each target installs the packages of its group, and builds no more than they are for: tests only where they are run.
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
TARGETS ?= demo all install python bench fuzz coverage lint format test

.PHONY: all demo python test test-micropython bench fuzz coverage install lint format fresh clean

all:
	tools/install-packages.sh build
	tools/build.sh build -DEXO_TESTS=OFF

demo:
	tools/install-packages.sh demo
	tools/build.sh build -DEXO_TESTS=OFF -DEXO_EXAMPLES=OFF
	examples/demo/run.sh

python:
	tools/install-packages.sh python
	tools/python.sh install

test:
	tools/install-packages.sh test $${EXOCHAT_HEAVY:+heavy}
	tools/test.sh

test-micropython:
	tools/install-packages.sh build micropython
	python3 tests/micropython/check.py

# QUICK=1: everything once, to see that it runs. PARTS="chats python": those alone (bench/all.sh has the list).
bench:
	tools/install-packages.sh bench
	tools/build.sh build -DEXO_TESTS=OFF -DEXO_EXAMPLES=OFF -DEXO_PYTHON=ON
	bench/all.sh $(if $(QUICK),-q) $(PARTS)

fuzz:
	tools/install-packages.sh test fuzz
	fuzz/run.sh $(FUZZ_SECONDS)
	fuzz/api/run.sh $(FUZZ_SECONDS)

coverage:
	tools/install-packages.sh coverage
	tools/coverage.sh

install:
	tools/install-packages.sh build
	tools/build.sh build -DEXO_TESTS=OFF -DEXO_EXAMPLES=OFF -DCMAKE_INSTALL_PREFIX=$(PREFIX)
	cmake --install build

lint:
	tools/install-packages.sh lint
	tools/lint.sh

format:
	tools/install-packages.sh format
	tools/lint.sh --format

# Each target as on a machine that has nothing. Needs root and debootstrap; takes as long as all of them together.
fresh:
	tools/install-packages.sh fresh
	FUZZ_SECONDS=$${FUZZ_SECONDS:-5} QUICK=$${QUICK:-1} tools/check-fresh.sh $(TARGETS)

clean:
	rm -rf build build-*
