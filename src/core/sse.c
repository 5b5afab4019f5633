/*
 * sse.c: bytes of a text/event-stream → events, as WHATWG HTML, 9.2.6 has it, with the departures that sse.h names.
 *
 * It knows lines and fields, and nothing of what the data means: chunk.c reads that. Called by whoever holds the body's
 * bytes. Its memory is the carry, bounded by limits.event, and the type and the id, each bounded by limits.field; a
 * line that is ignored costs none. Every byte is looked at a fixed number of times, however the input is cut.
 */
#include "exochat/sse.h"

enum state {
    AWAIT_BOM,   /* a name, before which a byte order mark may stand */
    AWAIT_NAME,  /* up to here, a line's beginning */
    AWAIT_SPACE, /* the one space that may follow the colon */
    AWAIT_LF,    /* that would belong to the CR before it */
    AWAIT_VALUE,
    AWAIT_LINE_END /* of a line that means nothing */
};

enum field {
    FIELD_DATA,
    FIELD_ERROR,
    FIELD_EVENT, /* from here on, limits.field holds */
    FIELD_ID,
    FIELD_NONE
};

static const char field_names[FIELD_NONE][6] = {"data", "error", "event", "id"};

void exo_sse_init(exo_sse *sse, const exo_allocator *allocator, const exo_limits *limits)
{
    memset(sse, 0, sizeof *sse);
    exo_sse_forget_fed_(sse);
    sse->event_limit_ = limits->event;
    sse->field_limit_ = limits->field;
    exo_buffer_init(&sse->carry_, allocator, limits->event, EXO_E_EVENT_LIMIT);
    exo_buffer_init(&sse->type_, allocator, limits->field, EXO_E_EVENT_LIMIT);
    exo_buffer_init(&sse->id_, allocator, limits->field, EXO_E_EVENT_LIMIT);
}

/* Where `byte` stands next, from at_ on, or end_. A place found before that lies ahead still holds, so a stream without
 * any CR is searched for one only once. */
static const char *sse_seek(const exo_sse *sse, const char **found, int byte)
{
    if (!*found || *found < sse->at_) {
        const char *at = memchr(sse->at_, byte, (size_t)(sse->end_ - sse->at_));
        *found = at ? at : sse->end_;
    }
    return *found;
}

int exo_sse_feed(exo_sse *sse, exo_span bytes)
{
    if (sse->error_ != EXO_OK) {
        return sse->error_;
    }
    if (sse->fed_ || sse->ended_) {
        return EXO_E_STATE;
    }
    if (bytes.len > 0) {
        sse->fed_ = true;
        sse->at_ = bytes.ptr;
        sse->end_ = bytes.ptr + bytes.len;
        sse->value_ = bytes.ptr;
        sse->offset_ += bytes.len;
        sse->lf_ = NULL;
        sse->cr_ = NULL;
    }
    return EXO_OK;
}

void exo_sse_end(exo_sse *sse)
{
    sse->ended_ = true;
}

/* What of this line's value lies in the fed bytes, up to at_. */
static exo_span sse_fed_value(const exo_sse *sse)
{
    return exo_span_of(sse->value_, (size_t)(sse->at_ - sse->value_));
}

/* How much of the carry is pending data; what follows is the beginning of this line's value. */
static size_t sse_carried_data(const exo_sse *sse)
{
    return sse->data_ ? 0 : sse->data_len_;
}

/* Moves pending data out of the fed bytes. */
static int sse_carry_data(exo_sse *sse)
{
    const exo_span data = exo_span_of(sse->data_, sse->data_len_);
    sse->data_ = NULL;
    return data.ptr ? exo_buffer_append(&sse->carry_, data) : EXO_OK;
}

/* Whether the limits allow `more` bytes of this line's value, wherever the event lies. EXO_NOT_FOUND: they do not, and
 * the line is forgotten, because the stream can do without it. */
static int sse_check_limits(exo_sse *sse, size_t more)
{
    const bool dispensable = sse->field_ >= FIELD_EVENT;
    size_t value = sse->carry_.len - sse_carried_data(sse) + more;
    if (value <= sse->event_limit_ - sse->data_len_ && (!dispensable || value <= sse->field_limit_)) {
        return EXO_OK;
    }
    if (!dispensable) {
        return EXO_E_EVENT_LIMIT;
    }
    sse->carry_.len = sse_carried_data(sse);
    sse->state_ = AWAIT_LINE_END;
    return EXO_NOT_FOUND;
}

/* All fed bytes are dealt with: what is needed of them later moves into the carry. */
static int sse_let_go(exo_sse *sse)
{
    int rc = sse_carry_data(sse);
    if (rc == EXO_OK && sse->state_ == AWAIT_VALUE) {
        exo_span piece = sse_fed_value(sse);
        rc = sse_check_limits(sse, piece.len);
        if (rc == EXO_OK) {
            rc = exo_buffer_append(&sse->carry_, piece);
        }
    }
    exo_sse_forget_fed_(sse);
    return rc < 0 ? rc : EXO_NEED_DATA;
}

/* A value begins here. If it is one more line of data, what came before is joined to it in the carry. */
static int sse_begin_value(exo_sse *sse)
{
    int rc = EXO_OK;
    sse->state_ = AWAIT_VALUE;
    sse->value_ = sse->at_;
    if (sse->field_ == FIELD_DATA && sse->has_data_) {
        rc = sse_carry_data(sse);
        if (rc == EXO_OK) {
            rc = exo_buffer_append(&sse->carry_, exo_span_of("\n", 1));
        }
        sse->data_len_ = sse->carry_.len;
    }
    return rc;
}

/* The name is complete; `colon` says whether a value follows. */
static int sse_end_name(exo_sse *sse, bool colon)
{
    exo_span name = exo_span_of(sse->name_, sse->name_len_);
    sse->field_ = FIELD_DATA;
    while (sse->field_ < FIELD_NONE && !exo_span_is(name, field_names[sse->field_])) {
        sse->field_++;
    }
    if (sse->field_ == FIELD_NONE) {
        sse->state_ = AWAIT_LINE_END;
        return EXO_OK;
    }
    if (!colon) {
        return sse_begin_value(sse);
    }
    sse->state_ = AWAIT_SPACE;
    sse->at_++;
    return EXO_OK;
}

static int sse_replace(exo_buffer *buffer, exo_span value)
{
    exo_buffer_clear(buffer);
    return exo_buffer_append(buffer, value);
}

static void sse_store_event(const exo_sse *sse, exo_sse_event *event, exo_span data)
{
    event->data = data;
    event->type = exo_span_of(NULL, 0);
    event->id = exo_buffer_span(&sse->id_);
    event->error_field = false;
    /* An event is stored before the line end that completes it is passed, so only the end of the stream is here. */
    event->at_end = sse->at_ == sse->end_;
    event->cut = sse->cut_;
}

/* Applies the value of this line, from value_ up to at_ and with what was carried of it. */
static int sse_end_value(exo_sse *sse, exo_sse_event *event)
{
    exo_span value = sse_fed_value(sse);
    size_t before = sse_carried_data(sse);
    bool carried = sse->carry_.len > before;
    int rc = sse_check_limits(sse, value.len);
    if (rc == EXO_OK && (carried || (sse->field_ == FIELD_DATA && sse->has_data_))) {
        rc = exo_buffer_append(&sse->carry_, value);
        value = exo_span_of(sse->carry_.data + before, sse->carry_.len - before);
        carried = true;
    }
    if (rc != EXO_OK) {
        return rc < 0 ? rc : EXO_OK;
    }
    if (sse->field_ == FIELD_DATA) {
        if (!sse->has_data_) {
            sse->has_data_ = true;
            sse->data_ = carried ? NULL : value.ptr;
            sse->data_offset_ = exo_sse_offset(sse) - value.len;
        }
        sse->data_len_ += value.len;
        return EXO_OK;
    }
    /* The bytes stay where they are until the carry is appended to. */
    sse->carry_.len = before;
    switch ((enum field)sse->field_) {
    case FIELD_EVENT:
        return sse_replace(&sse->type_, value);
    case FIELD_ID:
        return value.len > 0 && memchr(value.ptr, '\0', value.len) ? EXO_OK : sse_replace(&sse->id_, value);
    default:
        if (value.len == 0) {
            return EXO_OK;
        }
        sse_store_event(sse, event, value);
        event->error_field = true;
        event->offset = exo_sse_offset(sse) - value.len;
        return EXO_EVENT;
    }
}

/* A blank line, or the end of the stream. What is forgotten here stays in place until the next call. */
static int sse_end_event(exo_sse *sse, exo_sse_event *event)
{
    bool has_data = sse->has_data_;
    if (has_data) {
        const char *data = sse->data_ ? sse->data_ : sse->carry_.data;
        sse_store_event(sse, event, exo_span_of(data, sse->data_len_));
        event->offset = sse->data_offset_;
        event->type = exo_buffer_span(&sse->type_);
    }
    sse->has_data_ = false;
    sse->data_ = NULL;
    sse->data_len_ = 0;
    exo_buffer_clear(&sse->carry_);
    exo_buffer_clear(&sse->type_);
    return has_data ? EXO_EVENT : EXO_OK;
}

static void sse_end_line(exo_sse *sse)
{
    sse->state_ = *sse->at_++ == '\r' ? AWAIT_LF : AWAIT_NAME;
    sse->name_len_ = 0;
}

/* The next byte of a line's beginning. */
static int sse_read_name(exo_sse *sse, exo_sse_event *event)
{
#ifndef EXO_SMALL
    if (sse->name_len_ == 0 && sse->end_ - sse->at_ > 5 && memcmp(sse->at_, "data:", 5) == 0) {
        sse->field_ = FIELD_DATA;
        sse->at_ += 5;
        sse->state_ = AWAIT_SPACE;
        return EXO_OK;
    }
#endif
    char byte = *sse->at_;
    bool line_end = byte == '\n' || byte == '\r';
    if (line_end && sse->name_len_ == 0) {
        int rc = sse_end_event(sse, event);
        sse_end_line(sse);
        return rc;
    }
    if (line_end || byte == ':') {
        return sse_end_name(sse, !line_end);
    }
    if (sse->name_len_ == sizeof sse->name_) {
        sse->state_ = AWAIT_LINE_END;
        return EXO_OK;
    }
    sse->name_[sse->name_len_++] = byte;
    sse->at_++;
    if (sse->state_ == AWAIT_BOM && exo_span_is(exo_span_of(sse->name_, sse->name_len_), "\xEF\xBB\xBF")) {
        sse->state_ = AWAIT_NAME;
        sse->name_len_ = 0;
    }
    return EXO_OK;
}

/* What is left of a line whose kind is known. */
static int sse_read_line(exo_sse *sse, exo_sse_event *event)
{
    const char *lf = sse_seek(sse, &sse->lf_, '\n');
    const char *cr = sse_seek(sse, &sse->cr_, '\r');
    sse->at_ = lf < cr ? lf : cr;
    if (sse->at_ == sse->end_) {
        return EXO_OK;
    }
    int rc = sse->state_ == AWAIT_VALUE ? sse_end_value(sse, event) : EXO_OK;
    sse_end_line(sse);
    return rc;
}

/* Takes the next byte, or as many as mean the same. EXO_OK: go on. */
static int sse_step(exo_sse *sse, exo_sse_event *event)
{
    const char byte = *sse->at_;
    switch ((enum state)sse->state_) {
    case AWAIT_BOM:
    case AWAIT_NAME:
        return sse_read_name(sse, event);
    case AWAIT_LF:
        sse->at_ += byte == '\n';
        sse->state_ = AWAIT_NAME;
        return EXO_OK;
    case AWAIT_SPACE:
        sse->at_ += byte == ' ';
        return sse_begin_value(sse);
    default:
        return sse_read_line(sse, event);
    }
}

/* The stream is over: its last line counts as it stands, and a pending event as one of lesser worth. */
static int sse_finish(exo_sse *sse, exo_sse_event *event)
{
    int rc = EXO_OK;
    if (sse->state_ <= AWAIT_NAME && sse->name_len_ > 0) {
        rc = sse_end_name(sse, false);
    } else if (sse->state_ == AWAIT_SPACE) {
        rc = sse_begin_value(sse);
    }
    sse->cut_ |= sse->state_ >= AWAIT_VALUE;
    if (rc == EXO_OK && sse->state_ == AWAIT_VALUE) {
        rc = sse_end_value(sse, event);
    }
    sse->state_ = AWAIT_LF;
    if (rc == EXO_OK) {
        rc = sse_end_event(sse, event);
    }
    return rc == EXO_OK ? EXO_DONE : rc;
}

#ifndef EXO_SMALL
_Static_assert(AWAIT_NAME == EXO_SSE_AWAIT_NAME_, "a line may begin");

/* Stores an event that is one line of data, ended by LF and LF, all of which was fed, and says whether there is one. */
static bool sse_take_line(exo_sse *sse, exo_sse_event *event)
{
    const exo_span ahead = exo_sse_ahead(sse);
    if (ahead.len < 2) {
        return false;
    }
    const char *lf = sse_seek(sse, &sse->lf_, '\n');
    const size_t len = (size_t)(lf - ahead.ptr);
    if (len + 2 > ahead.len || lf[1] != '\n' || sse_seek(sse, &sse->cr_, '\r') < lf || len > sse->event_limit_) {
        return false;
    }
    sse->at_ = lf + 1;
    sse_store_event(sse, event, exo_span_of(ahead.ptr, len));
    event->offset = exo_sse_offset(sse) - 1 - len;
    sse->at_++;
    return true;
}
#endif

int exo_sse_next(exo_sse *sse, exo_sse_event *event)
{
    int rc = sse->error_;
#ifndef EXO_SMALL
    if (rc == EXO_OK && sse_take_line(sse, event)) {
        return EXO_EVENT;
    }
#endif
    while (rc == EXO_OK) {
        if (sse->at_ < sse->end_) {
            rc = sse_step(sse, event);
        } else {
            rc = sse->ended_ ? sse_finish(sse, event) : sse_let_go(sse);
        }
    }
    if (rc < 0) {
        sse->error_ = rc;
    }
    return rc;
}

uint64_t exo_sse_offset(const exo_sse *sse)
{
    return sse->offset_ - (uint64_t)(sse->end_ - sse->at_);
}

void exo_sse_free(exo_sse *sse)
{
    exo_buffer_free(&sse->carry_);
    exo_buffer_free(&sse->type_);
    exo_buffer_free(&sse->id_);
}
