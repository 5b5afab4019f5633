/*
 * libcurl.h: the transport over libcurl. No header of libcurl is needed to open it.
 */
#ifndef EXO_CLIENT_CURL_LIBCURL_H
#define EXO_CLIENT_CURL_LIBCURL_H

#include "transport.h"

/* Opens a transport; libcurl is initialised with the first one and never torn down. NULL when memory or descriptors run
 * out, or when libcurl cannot be used. */
exo_transport *exo_curl_open(void);

#endif
