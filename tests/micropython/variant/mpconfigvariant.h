/*
 * mpconfigvariant.h: the unix port as the tests want it: that of its standard variant, which is what Debian ships.
 */
#define MICROPY_CONFIG_ROM_LEVEL (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)

#include "variants/mpconfigvariant_common.h"
