/*
 * fpu.c: switches the floating-point unit on before main(), for the emulated boards that have one.
 */
#include <stdint.h>

int __real_main(int argc, char **argv);

int __wrap_main(int argc, char **argv)
{
    *(volatile uint32_t *)0xE000ED88 |= 0xFU << 20; /* CPACR: CP10 and CP11, full access */
    __asm volatile("dsb\n isb");
    return __real_main(argc, argv);
}
