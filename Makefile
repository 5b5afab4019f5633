# The short names of the things one does with this tree. CMake does the building, the scripts in tools/ do the rest.
PREFIX ?= /usr/local

.PHONY: all demo test bench fuzz coverage install lint format clean

all:
	tools/install-packages.sh build
	tools/build.sh build

demo:
	tools/install-packages.sh demo
	tools/build.sh build
	examples/demo/run.sh

test:
	tools/install-packages.sh test
	tools/test.sh

bench:
	tools/install-packages.sh bench
	tools/build.sh build
	bench/run.sh

fuzz:
	tools/install-packages.sh fuzz
	fuzz/run.sh

coverage:
	tools/install-packages.sh test
	tools/coverage.sh

install:
	tools/install-packages.sh build
	tools/build.sh build -DCMAKE_INSTALL_PREFIX=$(PREFIX)
	cmake --install build

lint:
	tools/install-packages.sh lint
	tools/lint.sh

format:
	tools/install-packages.sh lint
	tools/lint.sh --format

clean:
	rm -rf build build-*
