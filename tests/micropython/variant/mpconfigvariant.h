/*
 * mpconfigvariant.h: the unix port as the tests want it: its standard variant, without what boards lack. Debian's own
 * interpreter, which runs the same tests, has all of it.
 */
#define MICROPY_CONFIG_ROM_LEVEL (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)

#include "variants/mpconfigvariant_common.h"

#undef MICROPY_PY_OS_GETENV_PUTENV_UNSETENV
#define MICROPY_PY_OS_GETENV_PUTENV_UNSETENV (0)
#define MICROPY_PY_ERRNO_ERRORCODE           (0)
