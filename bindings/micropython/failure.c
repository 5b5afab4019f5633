/*
 * failure.c: Failure: exo_failure as a read-only value.
 */
#include "binding.h"

typedef struct failure_object {
    mp_obj_base_t base;
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

static exo_failure *failure_in(mp_obj_t object)
{
    return &((failure_object *)MP_OBJ_TO_PTR(object))->failure;
}

static mp_obj_t failure_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args)
{
    (void)type;
    mp_arg_check_num(n_args, n_kw, 1, 2, false);
    const int code = (int)exomp_int_of(args[0]);
    exo_span message = n_args > 1 ? exomp_bytes(args[1]) : exo_span_of(NULL, 0);
    failure_object *self = exomp_new(sizeof *self, &exomp_failure_type);
    exo_failure_clear(&self->failure);
    if (code != EXO_OK) {
        exo_failure_set(&self->failure, code, message);
    }
    return MP_OBJ_FROM_PTR(self);
}

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
    const exo_failure *failure = failure_in(object);
    const exomp_field *field = exomp_field_find(table, EXOMP_ROWS(table), EXOMP_KEY_OF_QSTR(name));
    if (!field) {
        dest[1] = MP_OBJ_SENTINEL; /* perhaps a method */
    } else if ((field->place & 15) == EXOMP_CHARS && failure->code == EXO_OK) {
        dest[0] = exomp_str(exo_span_of(NULL, 0)); /* what lies there may be something else before */
    } else {
        dest[0] = exomp_field_get(field, failure);
    }
}

static mp_obj_t failure_header(size_t n_args, const mp_obj_t *args)
{
    (void)n_args;
    exo_span name = exomp_bytes(args[1]);
    exo_span value = exomp_bytes(args[2]);
    exo_failure_header(failure_in(args[0]), name, value, exomp_int_of(args[3]));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(failure_header_obj, 4, 4, failure_header);

static mp_obj_t failure_response(mp_obj_t self, mp_obj_t status, mp_obj_t body)
{
    exo_span bytes = exomp_bytes(body);
    exo_failure_from_response(failure_in(self), (uint16_t)exomp_count_of(status, 999), bytes);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(failure_response_obj, failure_response);

static mp_obj_t failure_redact(mp_obj_t self, mp_obj_t secret)
{
    exo_span bytes = exomp_bytes(secret);
    if (failure_in(self)->code != EXO_OK) {
        exo_failure_redact(failure_in(self), bytes);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(failure_redact_obj, failure_redact);

#define FAILURE_METHODS(X) \
    X(MP_QSTR_header, failure_header_obj) \
    X(MP_QSTR_response, failure_response_obj) \
    X(MP_QSTR_redact, failure_redact_obj)

EXOMP_TYPE_NEW_ATTR(failure, MP_QSTR_Failure, FAILURE_METHODS, failure_make_new, failure_attr)
