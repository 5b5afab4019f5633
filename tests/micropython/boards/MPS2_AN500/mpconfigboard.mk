# Cortex-M7, emulated by QEMU's mps2-an500.
QEMU_ARCH = arm
QEMU_MACHINE = mps2-an500
CFLAGS += -mthumb -mcpu=cortex-m7 -mfpu=fpv5-d16 -mfloat-abi=hard
CFLAGS += -DQEMU_SOC_MPS2 -DMICROPY_HW_MCU_NAME='"Cortex-M7"'
LDSCRIPT = $(BOARD_DIR)/../mps2.ld
SRC_BOARD_O = shared/runtime/gchelper_native.o shared/runtime/gchelper_thumb2.o
MPY_CROSS_FLAGS += -march=armv7emdp
SRC_BOARD_O += fpu.o
LDFLAGS += -Wl,--wrap=main

$(BUILD)/fpu.o: $(BOARD_DIR)/../fpu.c
	$(Q)$(CC) $(CFLAGS) -c $< -o $@
