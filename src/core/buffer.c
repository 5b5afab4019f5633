/*
 * buffer.c: a run of bytes that grows up to a named maximum.
 *
 * It has no memory of its own: the bytes come from the caller's allocator or are the caller's fixed piece, and
 * `maximum_` bounds both. Called by everything in the core that keeps text.
 */
#include "exochat/buffer.h"
#include "exochat/error.h"

/* The first allocation: small enough for a microcontroller, large enough not to grow for each short fragment. */
#define FIRST_CAPACITY 64

/* Up to here a buffer doubles, from here on it grows by a half: a copy of what is there is then the cheaper waste. */
#define DOUBLED_UP_TO 4096

void exo_buffer_init(exo_buffer *buffer, const exo_allocator *allocator, size_t maximum, int limit_error)
{
    memset(buffer, 0, sizeof *buffer);
    buffer->maximum_ = maximum < UINT32_MAX ? (uint32_t)maximum : UINT32_MAX;
    buffer->allocator_ = allocator;
    buffer->limit_error_ = limit_error;
}

void exo_buffer_init_fixed(exo_buffer *buffer, void *memory, size_t size, int limit_error)
{
    exo_buffer_init(buffer, NULL, size, limit_error);
    buffer->data = memory;
    buffer->capacity_ = buffer->maximum_;
}

/* The capacity to grow to so that `need` bytes, at most the maximum, fit. */
static uint32_t buffer_grown_capacity(const exo_buffer *buffer, size_t need)
{
    const uint32_t maximum = buffer->maximum_;
    uint32_t capacity = buffer->capacity_ > 0 ? buffer->capacity_ : FIRST_CAPACITY;
    while (capacity < need && capacity < maximum) {
        uint32_t more = capacity < DOUBLED_UP_TO ? capacity : capacity / 2;
        capacity = more < maximum - capacity ? capacity + more : maximum;
    }
    return capacity < maximum ? capacity : maximum;
}

int exo_buffer_reserve(exo_buffer *buffer, size_t more)
{
    if (more <= buffer->capacity_ - buffer->len) {
        return EXO_OK;
    }
    if (more > buffer->maximum_ - buffer->len) {
        return buffer->limit_error_;
    }
    /* A fixed buffer never comes here: its capacity is its maximum. */
    uint32_t capacity = buffer_grown_capacity(buffer, buffer->len + more);
    char *data = buffer->allocator_->resize(buffer->allocator_->ctx, buffer->data, capacity);
    if (!data) {
        return EXO_E_NO_MEMORY;
    }
    buffer->data = data;
    buffer->capacity_ = capacity;
    return EXO_OK;
}

int exo_buffer_append(exo_buffer *buffer, exo_span bytes)
{
    if (bytes.len == 0) {
        return EXO_OK;
    }
    int rc = exo_buffer_reserve(buffer, bytes.len);
    if (rc == EXO_OK) {
        memcpy(buffer->data + buffer->len, bytes.ptr, bytes.len);
        buffer->len += bytes.len;
    }
    return rc;
}

void exo_buffer_free(exo_buffer *buffer)
{
    buffer->len = 0;
    if (buffer->allocator_ && buffer->data) {
        buffer->allocator_->resize(buffer->allocator_->ctx, buffer->data, 0);
        buffer->data = NULL;
        buffer->capacity_ = 0;
    }
}
