/*
 * identity.c: see identity.h. Called by deployment.c, and by transports that keep connections. Memory: a copy of the
 * fields that count.
 *
 * It is the fields one behind the other, each with its length before it, so that no two lists of them look the same.
 */
#include "identity.h"

#include "heap.h"

#include <stdlib.h>
#include <strings.h>

struct exo_identity {
    size_t references;
    uint64_t hash;
    size_t len;
    unsigned char bytes[];
};

/* The length of "http://". */
#define IDENTITY_SCHEME 7

/* Where fields are written; NULL: they are only measured. */
typedef struct identity_writer {
    unsigned char *bytes;
    size_t len;
} identity_writer;

static void identity_put(identity_writer *to, const void *bytes, size_t len)
{
    if (to->bytes && len > 0) {
        memcpy(to->bytes + to->len, bytes, len);
    }
    to->len += len;
}

/* What is missing is not the same as what is empty: proxy "" is none, and none is the environment's. */
static void identity_put_field(identity_writer *to, const char *bytes, size_t len)
{
    const uint64_t length = bytes ? (uint64_t)len + 1 : 0;
    identity_put(to, &length, sizeof length);
    identity_put(to, bytes, bytes ? len : 0);
}

static void identity_put_text(identity_writer *to, const char *text)
{
    identity_put_field(to, text, text ? strlen(text) : 0);
}

/* Whether requests go to a proxy that reads them, and that may send the next one of a connection, or its answer, to
 * another host than it says: over http, where libcurl has one connection for all hosts. The environment may name one
 * at any time: libcurl looks there with each request. */
static bool identity_is_read_by_proxy(const exo_deployment *o)
{
    const bool is_plain = o->base_url && strncasecmp(o->base_url, "http://", IDENTITY_SCHEME) == 0;
    const bool is_direct = o->proxy && !o->proxy[0];
    return is_plain && !is_direct;
}

static void identity_put_all(identity_writer *to, const exo_deployment *o)
{
    identity_put_text(to, o->ca_file);
    identity_put_text(to, o->ca_dir);
    identity_put_field(to, o->ca_pem.ptr, o->ca_pem.len);
    identity_put_text(to, o->client_cert);
    identity_put_text(to, o->client_key);
    identity_put_text(to, o->proxy);
    if (identity_is_read_by_proxy(o)) {
        identity_put_field(to, o->base_url, IDENTITY_SCHEME + strcspn(o->base_url + IDENTITY_SCHEME, "/?#"));
    }
    identity_put_text(to, o->unix_socket);
    identity_put_field(to, o->http2 ? "2" : "1", 1);
    for (size_t i = 0; i < o->resolve_count; i++) {
        identity_put_text(to, o->resolve[i]);
    }
}

exo_identity *exo_identity_new(const exo_deployment *options)
{
    identity_writer measure = {NULL, 0};
    identity_put_all(&measure, options);
    exo_identity *identity = malloc(sizeof *identity + measure.len);
    if (!identity) {
        return NULL;
    }
    identity_writer to = {identity->bytes, 0};
    identity_put_all(&to, options);
    identity->references = 1;
    identity->len = to.len;
    identity->hash = UINT64_C(0xCBF29CE484222325); /* FNV-1a */
    for (size_t i = 0; i < to.len; i++) {
        identity->hash = (identity->hash ^ identity->bytes[i]) * UINT64_C(0x100000001B3);
    }
    return identity;
}

exo_identity *exo_identity_keep(exo_identity *identity)
{
    identity->references++;
    return identity;
}

void exo_identity_drop(exo_identity *identity)
{
    if (identity && --identity->references == 0) {
        exo_heap_wipe(identity->bytes, identity->len);
        free(identity);
    }
}

bool exo_identity_is_same(const exo_identity *one, const exo_identity *other)
{
    return one == other ||
           (one->hash == other->hash && one->len == other->len && memcmp(one->bytes, other->bytes, one->len) == 0);
}

uint64_t exo_identity_hash(const exo_identity *identity)
{
    return identity->hash ^ (identity->hash >> 32);
}
