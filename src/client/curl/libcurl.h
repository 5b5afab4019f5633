/*
 * libcurl.h: the transport over libcurl. No header of libcurl is needed to open it.
 */
#ifndef EXO_CLIENT_CURL_LIBCURL_H
#define EXO_CLIENT_CURL_LIBCURL_H

#include "transport.h"

/* Opens a transport; libcurl is initialised with the first one and never torn down. NULL, and why in `*error`:
 * EXO_E_NO_MEMORY, or EXO_E_LOCAL when there are no descriptors, or libcurl did not start. */
exo_transport *exo_curl_open(int *error);

#endif
