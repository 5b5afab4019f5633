/*
 * deployment.h: one deployment as the client keeps it: a checked copy of the options, and what follows from them.
 *
 * It knows no transport, and of URLs only what url.h says.
 */
#ifndef EXO_CLIENT_DEPLOYMENT_H
#define EXO_CLIENT_DEPLOYMENT_H

#include "curl/url.h"
#include "identity.h"

#include "exochat/client.h"
#include "exochat/encode.h"

/* A deployment that calls use. Counted: a call keeps the one it started with, even when the model is deployed anew. */
typedef struct exo_deployed {
    unsigned references;
    char *name;
    exo_deployment options; /* every pointer in it is ours */
    exo_url url;
    exo_identity *identity; /* who may share its connections */
    exo_span *drop;
    exo_rename *rename;
    exo_route_health health;
    void *kept; /* what a transport keeps for its requests, or NULL: it goes with the deployment, by drop_kept() */
    void (*drop_kept)(void *kept);
} exo_deployed;

/* A checked copy of `options`, with one reference. On failure NULL, with a code in `*error` and words that name the
 * field in `message`. */
exo_deployed *exo_deployed_new(const char *name, const exo_deployment *options, int *error, char *message, size_t size);

/* Takes and gives back a reference; the last one frees it, keys wiped. */
exo_deployed *exo_deployed_keep(exo_deployed *deployed);
void exo_deployed_drop(exo_deployed *deployed);

/* A copy of the options without the key, and with "***" in the place of what else may be secret: see
 * exo_client_deployment_of(). NULL when memory runs out. */
exo_deployment *exo_deployed_show(const exo_deployed *deployed);

/* Whether two deployments may use each other's connections: all that identifies these is equal. */
bool exo_deployed_shares(const exo_deployed *one, const exo_deployed *other);

/* Whether a request says who asks: by its key, or by a header that takes its place. */
bool exo_deployed_has_key(const exo_deployed *deployed);

/* Takes the key out of everything that a failure says, and the values of extra headers and of base_url's query, which
 * may be keys too. A key of less than 8 bytes is no secret but a word ("none", "test") and stays; so does such a value
 * of less than 16. */
void exo_deployed_censor(const exo_deployed *deployed, exo_failure *failure);

/* Whether a text has control characters (CR, LF, DEL …), which no header, key or URL may have. NULL has none. */
bool exo_has_control(const char *text);

/* Why a header may not be set, in words for behind its name: its name is none, its value (NULL: none yet) holds control
 * characters, or it frames or routes the message. `is_key`: it is to carry the key, so one that is sent anyway will not
 * do either. NULL: it may be set. */
const char *exo_header_fault(const char *name, const char *value, bool is_key);

/* Whether a text is an address of IPv4 or IPv6, the latter with or without brackets. */
bool exo_is_address(const char *text);

/* Whether headers that are to be added to a request may be: their names are tokens, their values hold no control
 * characters, and none belongs to the transport. False with a code in `*error` and words in `message`. */
bool exo_headers_are_good(const exo_header *headers, size_t count, int *error, char *message, size_t size);

/* Whether two names are the same, but for the case of ASCII letters; the locale does not matter. */
bool exo_same_name(const char *a, const char *b);

#endif
