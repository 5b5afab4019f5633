/*
 * media_type.h: what kind of file something is, by its name's ending or its first bytes.
 */
#ifndef EXO_CLIENT_MEDIA_TYPE_H
#define EXO_CLIENT_MEDIA_TYPE_H

#include "exochat/span.h"

/* How many of a file's first bytes are looked at, at most. */
#define EXO_MEDIA_HEAD 4096

/* The media type that the ending of `name` stands for; text of any kind is "text/plain". NULL for an ending that is not
 * known, for a name without one, and for NULL. Static storage. */
const char *exo_media_type_of_name(const char *name);

/* The media type of a file that begins with `head`; `whole` says that nothing follows. Never NULL:
 * "application/octet-stream" when it is nothing that is known, "text/plain" for UTF-8 without NUL. Static storage. */
const char *exo_media_type_of_bytes(exo_span head, bool whole);

#endif
