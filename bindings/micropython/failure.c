/*
 * failure.c: Failure: exo_failure as a read-only value.
 */
#include "binding.h"

typedef struct failure_object {
    exomp_object object;
    exo_failure failure;
} failure_object;

mp_obj_t exomp_failure_new(const exo_failure *failure)
{
    failure_object *self = exomp_new(sizeof *self, &exomp_failure_type);
    self->failure = *failure;
    return MP_OBJ_FROM_PTR(self);
}

const exo_failure *exomp_failure_of(mp_obj_t object)
{
    return &((failure_object *)exomp_as(object, &exomp_failure_type))->failure;
}

static mp_obj_t failure_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args)
{
    (void)type;
    mp_arg_check_num(n_args, n_kw, 1, 2, false);
    const int code = (int)exomp_int_of(args[0]);
    exo_span message = {NULL, 0};
    if (n_args > 1) {
        exomp_bytes(args[1], &message);
    }
    failure_object *self = exomp_new(sizeof *self, &exomp_failure_type);
    exo_failure_clear(&self->failure);
    if (code != EXO_OK) {
        exo_failure_set(&self->failure, code, message);
    }
    return MP_OBJ_FROM_PTR(self);
}

static void failure_header(void *object, const exomp_args *said)
{
    failure_object *self = object;
    exo_failure_header(&self->failure, said->bytes[0], said->bytes[1], said->number[0]);
}

static void failure_response(void *object, const exomp_args *said)
{
    failure_object *self = object;
    exo_failure_from_response(&self->failure, (uint16_t)exomp_count(said->number[0], 999), said->bytes[0]);
}

static void failure_redact(void *object, const exomp_args *said)
{
    failure_object *self = object;
    if (self->failure.code != EXO_OK) {
        exo_failure_redact(&self->failure, said->bytes[0]);
    }
}

static const exomp_method failure_methods[] = {
    EXOMP_METHOD(header, failure_header, NONE, BYTES, BYTES, NUMBER, NONE),
    EXOMP_METHOD(response, failure_response, NONE, NUMBER, BYTES, NONE, NONE),
    EXOMP_METHOD(redact, failure_redact, NONE, BYTES, NONE, NONE, NONE),
};

static void failure_attr(mp_obj_t object, qstr name, mp_obj_t *dest)
{
    static const exomp_field table[] = {
        EXOMP_FIELD(exo_failure, code, EXOMP_INT),         EXOMP_FIELD(exo_failure, verdict, EXOMP_VERDICT),
        EXOMP_FIELD(exo_failure, clock, EXOMP_CLOCK),      EXOMP_FIELD(exo_failure, http_status, EXOMP_U16),
        EXOMP_FIELD(exo_failure, status, EXOMP_U16),       EXOMP_FIELD(exo_failure, message, EXOMP_CHARS),
        EXOMP_FIELD(exo_failure, type, EXOMP_CHARS),       EXOMP_FIELD(exo_failure, provider_code, EXOMP_CHARS),
        EXOMP_FIELD(exo_failure, request_id, EXOMP_CHARS), EXOMP_FIELD(exo_failure, retry_after, EXOMP_INT64),
        EXOMP_FIELD(exo_failure, offset, EXOMP_INT64),     EXOMP_FIELD(exo_failure, in_stream, EXOMP_BOOL),
        EXOMP_FIELD(exo_failure, cut, EXOMP_BOOL),         EXOMP_FIELD(exo_failure, keyless, EXOMP_BOOL),
    };
    if (dest[0] != MP_OBJ_NULL) {
        return; /* read-only */
    }
    const failure_object *self = MP_OBJ_TO_PTR(object);
    const exo_failure *failure = &self->failure;
    const exomp_field *field = exomp_field_find(table, EXOMP_ROWS(table), EXOMP_KEY_OF_QSTR(name));
    if (!field) {
        exomp_method_find(failure_methods, EXOMP_ROWS(failure_methods), object, name, dest);
    } else if ((field->place & 15) == EXOMP_CHARS && failure->code == EXO_OK) {
        dest[0] = exomp_str(exo_span_of(NULL, 0)); /* what lies there may be something else before */
    } else {
        dest[0] = exomp_field_get(field, failure);
    }
}

EXOMP_TYPE_NEW_ATTR(failure, MP_QSTR_Failure, failure_make_new, failure_attr)
