/*
 * handles.c: see handles.h. Called by exchange.c, and by a deployment that goes. Memory: some 6 KB of libcurl's for
 * each handle.
 */
#include "handles.h"

#include "options.h"

#include <stdlib.h>

/* What is kept for one deployment. */
typedef struct handles {
    exo_handle *first;
    struct curl_slist *headers; /* NULL: not made yet */
} handles;

/* Takes a handle out of its deployment's list, and out of the line of all. */
static void handle_leave(exo_handle *handle)
{
    handles *kept = handle->deployed->kept;
    exo_handle **at = &kept->first;
    while (*at != handle) {
        at = &(*at)->next;
    }
    *at = handle->next;
    handle->deployed = NULL;
    exo_line_leave(&handle->place);
}

/* The deployment goes: so does what is kept for it, its headers wiped. */
static void handles_drop(void *kept)
{
    handles *h = kept;
    for (exo_handle *handle = h->first, *next; handle; handle = next) {
        next = handle->next;
        exo_line_leave(&handle->place);
        exo_handle_free(handle);
    }
    exo_headers_free(h->headers);
    free(h);
}

/* What is kept for a deployment, made where there is nothing; NULL when memory runs out. */
static handles *handles_of(exo_deployed *deployed)
{
    if (!deployed->kept) {
        deployed->kept = calloc(1, sizeof(handles));
        deployed->drop_kept = handles_drop;
    }
    return deployed->kept;
}

struct curl_slist *exo_handle_headers(const exo_sending *sending)
{
    handles *kept = handles_of(sending->deployed);
    if (kept && !kept->headers) {
        kept->headers = exo_sending_headers(sending);
    }
    return kept ? kept->headers : NULL;
}

exo_handle *exo_handle_new(void)
{
    exo_handle *handle = calloc(1, sizeof *handle);
    if (!handle) {
        return NULL;
    }
    handle->place.owner = handle;
    handle->easy = curl_easy_init();
    if (!handle->easy) {
        free(handle);
        return NULL;
    }
    return handle;
}

exo_handle *exo_handle_take(exo_deployed *deployed)
{
    const handles *kept = deployed->kept;
    exo_handle *handle = kept ? kept->first : NULL;
    if (!handle) {
        return exo_handle_new();
    }
    handle_leave(handle);
    return handle;
}

void exo_handle_keep(exo_pool *pool, exo_handle *handle, exo_deployed *deployed)
{
    handles *kept = handles_of(deployed);
    if (!kept) {
        exo_handle_free(handle);
        return;
    }
    handle->deployed = deployed;
    handle->next = kept->first;
    kept->first = handle;
    exo_line_append(&pool->handles, &handle->place);
    while (pool->handles.count > EXO_HANDLES_KEPT) {
        exo_handle *oldest = exo_line_first(&pool->handles);
        handle_leave(oldest);
        exo_handle_free(oldest);
    }
}

void exo_handle_free(exo_handle *handle)
{
    if (handle) {
        curl_easy_cleanup(handle->easy);
        curl_slist_free_all(handle->resolve);
        free(handle);
    }
}

void exo_handles_close(exo_pool *pool)
{
    exo_handle *handle;
    while ((handle = exo_line_first(&pool->handles)) != NULL) {
        handle_leave(handle);
        exo_handle_free(handle);
    }
}
