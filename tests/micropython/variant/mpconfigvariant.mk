# The unix port as the tests want it. Debian's source has neither berkeley-db nor micropython-lib.
MICROPY_PY_BTREE = 0
FROZEN_MANIFEST ?= $(VARIANT_DIR)/manifest.py
