# _exochat as a user C module of MicroPython's make-based ports:
#     make -C ports/… USER_C_MODULES=FOLDER
# FOLDER holds this repository, or a link to it. The core is built without what only makes it faster. EXOCHAT_SMALL=1
# also leaves out the names and texts of errors, which are then called by their class, and the repair of what models write
# as tool arguments: arguments that are no JSON are then not used.
EXOCHAT_DIR := $(USERMOD_DIR)
include $(EXOCHAT_DIR)/src/core/core.mk

EXOCHAT_BINDING := answer.c attempt.c encoder.c error_words.c event.c failure.c fields.c method.c module.c route.c tape.c text.c wire.c
EXOCHAT_CORE := $(EXO_CORE_SOURCES)
ifeq ($(EXOCHAT_SMALL),1)
EXOCHAT_CORE := $(filter-out json_repair%.c,$(EXOCHAT_CORE))
EXOCHAT_BINDING += no_repair.c
CFLAGS_USERMOD += -DEXO_NO_ERROR_TEXTS -DEXO_NO_ERROR_NAMES
endif

# What is in SRC_USERMOD_C is searched for qstrs; the core has none.
SRC_USERMOD_C += $(addprefix $(EXOCHAT_DIR)/bindings/micropython/,$(EXOCHAT_BINDING))
SRC_USERMOD_LIB_C += $(addprefix $(EXOCHAT_DIR)/src/core/,$(EXOCHAT_CORE))
CFLAGS_USERMOD += -I$(EXOCHAT_DIR)/include -DEXO_SMALL

# What gcc does for speed even with -Os, where it takes room; clang has no such options.
EXOCHAT_OPTIONS := -fno-move-loop-invariants -fno-tree-loop-optimize -fno-schedule-insns2 -fno-code-hoisting \
	-fno-tree-pre -fno-if-conversion -fno-tree-dominator-opts -fno-tree-copy-prop
ifeq ($(findstring clang,$(shell $(CC) --version)),)
CFLAGS_USERMOD += $(EXOCHAT_OPTIONS)
endif
