# The unix port as the tests want it: what boards lack is not there either, and Debian's source has neither berkeley-db nor
# micropython-lib.
MICROPY_PY_BTREE = 0
MICROPY_PY_THREAD = 0
FROZEN_MANIFEST ?= $(VARIANT_DIR)/manifest.py
