/*
 * sse.h: bytes of a text/event-stream → events (WHATWG HTML, 9.2.6), with the departures that real servers make
 * necessary.
 *
 * feed(), then next() until it says NEED_DATA. An event whose data is one line that lies whole in the fed bytes is
 * handed out in place; only one that is cut or has several lines is carried, in a buffer that never grows past
 * limits.event. Departures: a field "error" that is not empty is an event of its own, handed out at the end of its
 * line; at the end of the stream the last line counts even if nothing ends it, and a pending event is handed out,
 * marked `at_end`: the caller decides. Lines end with CRLF, LF or CR alone, and with nothing else. The
 * field "retry" is ignored, as nothing here reconnects by itself.
 */
#ifndef EXOCHAT_SSE_H
#define EXOCHAT_SSE_H

#include "exochat/buffer.h"
#include "exochat/error.h"
#include "exochat/limits.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One event. Spans are valid until the next call on the parser. Bytes are as sent: invalid UTF-8 is for the reader of
 * `data` to replace. */
typedef struct exo_sse_event {
    exo_span data;    /* the data lines, joined by LF */
    exo_span type;    /* the event field; empty means "message" */
    exo_span id;      /* the stream's last event id, "" at first */
    bool error_field; /* `data` is the value of a field "error" (old llama.cpp) */
    bool at_end;      /* the stream ended without the blank line: WHATWG drops such an event */
    bool cut;         /* with at_end: not even the last line was ended */
    uint64_t offset;  /* of the event's first data byte in the stream */
} exo_sse_event;

/* The parser. Private but for sizeof. */
typedef struct exo_sse {
    uint8_t state_; /* small things first: a short instruction reaches them */
    uint8_t field_;
    uint8_t name_len_;
    bool has_data_;
    bool fed_; /* next() has not said NEED_DATA about the fed bytes */
    bool ended_;
    bool cut_;
    char name_[5];
    int error_;
    const char *at_; /* the next of the fed bytes, and their end */
    const char *end_;
    const char *lf_; /* the LF and the CR found last, or end_ */
    const char *cr_;
    const char *value_; /* where this line's value begins in the fed bytes; what came of it earlier ends carry_ */
    const char *data_;  /* the pending data in the fed bytes, or NULL: then it is what carry_ begins with */
    size_t data_len_;
    size_t event_limit_;
    size_t field_limit_;
    uint64_t offset_; /* in the stream, of end_ and of the pending data */
    uint64_t data_offset_;
    exo_buffer carry_;
    exo_buffer type_;
    exo_buffer id_;
} exo_sse;

/* Begins a stream. `allocator` (borrowed) gives the carry, the type and the id their memory. */
void exo_sse_init(exo_sse *sse, const exo_allocator *allocator, const exo_limits *limits);

/* Gives the next bytes, which must stay valid until next() says NEED_DATA. EXO_OK, or EXO_E_STATE when next()
 * has not said NEED_DATA about earlier bytes or the stream was ended, or the sticky error. */
int exo_sse_feed(exo_sse *sse, exo_span bytes);

/* Says that the stream has ended cleanly. What is pending is handed out by next(), then DONE. */
void exo_sse_end(exo_sse *sse);

/* Stores the next event. EXO_EVENT, EXO_NEED_DATA, EXO_DONE (only after exo_sse_end()), or, sticky, EXO_E_NO_MEMORY or
 * EXO_E_EVENT_LIMIT: an event's data, or that and the line of a field "error" being read, are longer than limits.event.
 * A type or an id that is longer than limits.field, or for which beside the data there is no room, is as if it had not
 * been sent. The same events at every split of the input. */
int exo_sse_next(exo_sse *sse, exo_sse_event *event);

/* Forgets the fed bytes, all of which are dealt with: the next may be fed. Private. */
static inline void exo_sse_forget_fed_(exo_sse *sse)
{
    sse->fed_ = false;
    sse->value_ = sse->at_ = sse->end_ = "";
}

#ifndef EXO_SMALL
/* The state in which a line may begin. Private; sse.c holds it to its table. */
#define EXO_SSE_AWAIT_NAME_ 1

/* What lies ahead, of the fed bytes, where a line of data begins an event: all that follows its "data: ". Empty where
 * anything else is at hand, or pending. Nothing is taken. */
static inline exo_span exo_sse_ahead(const exo_sse *sse)
{
    const size_t name = sizeof "data: " - 1;
    const size_t left = (size_t)(sse->end_ - sse->at_);
    if (left <= name || sse->state_ != EXO_SSE_AWAIT_NAME_ || (sse->name_len_ | sse->has_data_ | sse->type_.len) != 0 ||
        memcmp(sse->at_, "data: ", name) != 0) {
        return exo_span_of(NULL, 0);
    }
    return exo_span_of(sse->at_ + name, left - name);
}

/* Takes the event whose data is the first `len` bytes, at least one, of what exo_sse_ahead() has just said: there is no
 * line end in them, and LF and LF follow. It is as if exo_sse_next() had stored it. */
static inline void exo_sse_take_ahead(exo_sse *sse, size_t len)
{
    sse->at_ += sizeof "data: \n\n" - 1 + len;
}

/* Whether next() would say NEED_DATA about nothing that it would have to carry; then it has said so. */
static inline bool exo_sse_rests(exo_sse *sse)
{
    if (sse->at_ != sse->end_ || sse->state_ != EXO_SSE_AWAIT_NAME_ || sse->data_ || (sse->ended_ | sse->error_) != 0) {
        return false;
    }
    exo_sse_forget_fed_(sse);
    return true;
}
#endif

/* How many bytes of the stream are consumed: of all fed bytes, those that next() has dealt with. */
uint64_t exo_sse_offset(const exo_sse *sse);

/* Frees the carry. The parser may be initialised again. */
void exo_sse_free(exo_sse *sse);

#ifdef __cplusplus
}
#endif

#endif
