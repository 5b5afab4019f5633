/*
 * wire.c: Wire: the HTTP/1.1 response of an Attempt, from the raw bytes of a connection; and Head, the head of its
 * request.
 *
 * Memory: a header line that was cut, up to limits.head.
 */
#include "binding.h"

/* ---- the response ---- */

typedef struct exomp_wire {
    exomp_object object;
    bool seen; /* a byte came */
    bool told; /* the attempt was told of the end */
    bool shut; /* the connection ended in order */
    exomp_attempt *attempt;
    int64_t now; /* when what is being read came */
    int64_t wall;
    exomp_held held;
    exo_buffer carry;
    exo_http1_response response;
} exomp_wire;

static mp_obj_t wire_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args)
{
    (void)type;
    mp_arg_check_num(n_args, n_kw, 1, 1, false);
    exomp_attempt *attempt = exomp_as(args[0], &exomp_attempt_type);
    exomp_wire *self = exomp_new(sizeof *self, &exomp_wire_type);
    self->attempt = attempt;
    attempt->wire = self;
    exo_buffer_init(&self->carry, &exomp_heap, attempt->limits.head, EXO_E_HEAD_LIMIT);
    exo_http1_response_init(&self->response, &attempt->limits, &self->carry);
    return MP_OBJ_FROM_PTR(self);
}

static void wire_feed(void *object, const exomp_args *said)
{
    exomp_wire *self = object;
    exo_span bytes;
    exomp_hold(&self->held, said, &bytes);
    self->now = said->now;
    self->wall = said->number[0];
    if (bytes.len > 0) {
        self->seen = true;
        (void)exo_http1_response_feed(&self->response, bytes);
    }
}

/* Whether the attempt still wants to know. */
static bool wire_tells(const exomp_wire *self)
{
    return !self->told && !self->attempt->object.over;
}

static void wire_tell_end(exomp_wire *self, int code, const exo_span *words)
{
    if (wire_tells(self)) {
        exo_attempt_closed(&self->attempt->attempt, self->now, code, *words, self->seen);
    }
    self->told = true;
}

/* Tells the attempt what the response says next. False: nothing more now. */
static bool wire_step(exomp_wire *self)
{
    exo_attempt *attempt = &self->attempt->attempt;
    exo_http1_event event;
    static const exo_span no_words = {NULL, 0};
    int code = exo_http1_response_next(&self->response, &event);
    const bool come = code == EXO_EVENT;
    if (come && wire_tells(self)) {
        code = EXO_OK;
        if (event.type == EXO_HTTP1_STATUS) {
            code = exo_attempt_status(attempt, event.status);
        } else if (event.type == EXO_HTTP1_HEADER) {
            code = exo_attempt_header(attempt, event.name, event.value, self->wall);
            if (exo_http1_name_is(event.name, "content-encoding") && !exo_http1_name_is(event.value, "identity")) {
                code = EXO_E_CODING; /* nobody asked for one */
            }
        } else if (event.type == EXO_HTTP1_HEAD_END) {
            exo_attempt_head_end(attempt, self->now);
        } else if (event.type == EXO_HTTP1_BODY) {
            exo_attempt_bytes(attempt, self->now, event.value);
        } else if (event.type == EXO_HTTP1_END) {
            wire_tell_end(self, EXO_OK, &no_words);
        }
    }
    if (code < 0) {
        wire_tell_end(self, code == EXO_E_HEAD && self->shut ? EXO_E_CLOSED : code, &no_words);
    }
    return come; /* what is behind the verdict is only read */
}

mp_obj_t exomp_wire_event(exomp_wire *self)
{
    bool more = true;
    exomp_held_check(&self->held);
    for (;;) {
        mp_obj_t event = self->attempt->object.over ? MP_OBJ_NULL : exomp_attempt_event(self->attempt);
        if (event != MP_OBJ_NULL) {
            return event;
        }
        if (!more) {
            self->held.object = MP_OBJ_NULL;
            return MP_OBJ_NULL;
        }
        more = wire_step(self);
    }
}

static mp_obj_t wire_next(void *object, const exomp_args *said)
{
    (void)said;
    return exomp_wire_event(object);
}

static void wire_closed(void *object, const exomp_args *said)
{
    exomp_wire *self = object;
    const int code = (int)said->number[0];
    self->now = said->now;
    if (code == EXO_OK) {
        self->shut = true;
        exo_http1_response_end(&self->response);
    } else {
        wire_tell_end(self, code, &said->bytes[0]);
    }
}

static bool wire_byte_seen(void *object, const exomp_args *said)
{
    const exomp_wire *self = object;
    (void)said;
    return self->seen;
}

static bool wire_reusable(void *object, const exomp_args *said)
{
    const exomp_wire *self = object;
    (void)said;
    return exo_http1_response_reusable(&self->response);
}

static void wire_attr(mp_obj_t self, qstr name, mp_obj_t *dest)
{
    static const exomp_method methods[] = {
        EXOMP_METHOD(feed, wire_feed, NONE, NOW, NUMBER, OBJECT, END),
        EXOMP_METHOD(next, wire_next, OBJECT, NOW, NONE, NONE, NONE),
        EXOMP_METHOD(closed, wire_closed, NONE, NOW, NUMBER, BYTES, NONE),
        EXOMP_METHOD(byte_seen, wire_byte_seen, FLAG, NONE, NONE, NONE, NONE),
        EXOMP_METHOD(reusable, wire_reusable, FLAG, NONE, NONE, NONE, NONE),
    };
    exomp_method_find(methods, EXOMP_ROWS(methods), self, name, dest);
}

EXOMP_TYPE_NEW_ATTR(wire, MP_QSTR_Wire, wire_make_new, wire_attr)

/* ---- the head of the request ---- */

typedef struct head_object {
    exomp_object object;
    exo_http1_header *headers; /* texts are those of str objects, whose memory is found by its beginning */
    exo_http1_request request;
    exo_http1_head head;
} head_object;

static mp_obj_t head_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args)
{
    (void)type;
    mp_arg_check_num(n_args, n_kw, 4, 4, false);
    size_t count;
    mp_obj_t *items;
    head_object *self = exomp_new(sizeof *self, &exomp_head_type);
    exo_http1_request *request = &self->request;
    const mp_int_t length = exomp_int_of(args[3]);
    mp_obj_get_array(args[2], &count, &items);
    self->headers = exomp_array(count, sizeof *self->headers);
    for (size_t i = 0; i < count; i++) {
        mp_obj_t *pair = exomp_pair(items[i]);
        exomp_text(pair[0], &self->headers[i].name);
        exomp_text(pair[1], &self->headers[i].value);
    }
    request->method = exo_span_text(length == -2 ? "GET" : "POST");
    exomp_text(args[0], &request->target);
    exomp_text(args[1], &request->host);
    request->headers = self->headers;
    request->header_count = count;
    request->framing = length == -2 ? EXO_HTTP1_NO_BODY : length == -1 ? EXO_HTTP1_CHUNKED : EXO_HTTP1_LENGTH;
    request->content_length = (uint64_t)length;
    exomp_check(exo_http1_head_init(&self->head, request));
    return MP_OBJ_FROM_PTR(self);
}

static mp_int_t head_write(void *object, const exomp_args *said)
{
    head_object *self = object;
    exo_window window;
    exomp_window(said, &window);
    (void)exo_http1_head_write(&self->head, &window);
    return (mp_int_t)window.pos;
}

static void head_attr(mp_obj_t self, qstr name, mp_obj_t *dest)
{
    static const exomp_method methods[] = {
        EXOMP_METHOD(write, head_write, NUMBER, OBJECT, START, NONE, NONE),
    };
    exomp_method_find(methods, EXOMP_ROWS(methods), self, name, dest);
}

EXOMP_TYPE_NEW_ATTR(head, MP_QSTR_Head, head_make_new, head_attr)
