/*
 * library.h: what concerns the whole process: what the hosted library stands on, and what becomes of its memory.
 */
#ifndef EXOCHAT_LIBRARY_H
#define EXOCHAT_LIBRARY_H

#include "exochat/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The libraries below this one and their versions, with spaces between them, such as "libcurl/7.88.1 OpenSSL/3.0.15";
 * for people and bug reports. Never NULL, static storage. */
const char *exo_library_versions(void);

/* Initialises libcurl so that all of its memory is wiped when it is given back: libcurl keeps copies of keys, headers
 * and URLs, which are else left on the heap. This is a setting of the whole process, for a program that owns it; a
 * library in somebody's process leaves it alone. To be called once, before anything else in the process uses libcurl,
 * a client or a configuration included: later it has no effect. EXO_OK, or EXO_E_NO_MEMORY when libcurl cannot be
 * used. */
int exo_library_wipe_memory(void);

#ifdef __cplusplus
}
#endif

#endif
