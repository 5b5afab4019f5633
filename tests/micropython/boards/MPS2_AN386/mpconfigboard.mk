# Cortex-M4F, emulated by QEMU's mps2-an386.
QEMU_ARCH = arm
QEMU_MACHINE = mps2-an386
CFLAGS += -mthumb -mcpu=cortex-m4 -mfpu=fpv4-sp-d16 -mfloat-abi=hard
CFLAGS += -DQEMU_SOC_MPS2 -DMICROPY_HW_MCU_NAME='"Cortex-M4F"'
LDSCRIPT = $(BOARD_DIR)/../mps2.ld
SRC_BOARD_O = shared/runtime/gchelper_native.o shared/runtime/gchelper_thumb2.o
MPY_CROSS_FLAGS += -march=armv7emsp
SRC_BOARD_O += fpu.o
LDFLAGS += -Wl,--wrap=main

$(BUILD)/fpu.o: $(BOARD_DIR)/../fpu.c
	$(Q)$(CC) $(CFLAGS) -c $< -o $@
