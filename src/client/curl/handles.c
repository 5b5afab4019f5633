/*
 * handles.c: see handles.h. Called by exchange.c, and by a deployment that goes. Memory: some 6 KB of libcurl's for
 * each handle.
 */
#include "handles.h"

#include "options.h"

#include <stdlib.h>

/* Takes a handle out of its deployment's list, and out of the line of all. */
static void handle_leave(exo_handle *handle)
{
    exo_handle *first = handle->deployed->kept;
    exo_handle **at = &first;
    while (*at != handle) {
        at = &(*at)->next;
    }
    *at = handle->next;
    handle->deployed->kept = first;
    handle->deployed = NULL;
    exo_line_leave(&handle->place);
}

/* The deployment goes: so do the handles that are kept for it. */
static void handles_drop(void *kept)
{
    for (exo_handle *handle = kept, *next; handle; handle = next) {
        next = handle->next;
        exo_line_leave(&handle->place);
        exo_handle_free(handle);
    }
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
    exo_handle *handle = deployed->kept;
    if (!handle) {
        return exo_handle_new();
    }
    handle_leave(handle);
    return handle;
}

void exo_handle_keep(exo_pool *pool, exo_handle *handle, exo_deployed *deployed)
{
    handle->deployed = deployed;
    handle->next = deployed->kept;
    deployed->kept = handle;
    deployed->drop_kept = handles_drop;
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
        exo_headers_free(handle->headers);
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
