/*
 * method.c: the methods of all types: their arguments are converted here, as a table says, before they run, and what
 * they give behind.
 */
#include "binding.h"

static NORETURN void method_misused(void)
{
    EXOMP_TYPE_ERROR("arguments");
}

static mp_obj_t method_call(mp_obj_t object, size_t n_args, size_t n_kw, const mp_obj_t *args)
{
    const exomp_method *method = MP_OBJ_TO_PTR(object);
    const mp_obj_t *arg = args + 1;
    const mp_obj_t *const end = args + n_args;
    exomp_args said;
    mp_int_t *number = said.number;
    exo_span *bytes = said.bytes;
    mp_obj_t *objects = said.object;
    said.start = 0;
    said.end = -1;
    for (unsigned takes = method->kinds & ((1 << EXOMP_GIVES_AT) - 1); takes != 0;
         takes >>= EXOMP_ARGUMENT_BITS, arg++) {
        const exomp_takes kind = (exomp_takes)(takes & ((1 << EXOMP_ARGUMENT_BITS) - 1));
        if (arg >= end) {
            if (kind < EXOMP_TAKES_START) {
                method_misused();
            }
        } else if (kind == EXOMP_TAKES_NOW) {
            said.now = exomp_now(*arg);
        } else if (kind == EXOMP_TAKES_FLAG) {
            said.flag = mp_obj_is_true(*arg);
        } else if (kind == EXOMP_TAKES_BYTES) {
            exomp_bytes(*arg, bytes++);
        } else if (kind == EXOMP_TAKES_OBJECT) {
            *objects++ = *arg;
        } else {
            *(kind == EXOMP_TAKES_START ? &said.start
              : kind == EXOMP_TAKES_END ? &said.end
                                        : number++) = exomp_int_of(*arg);
        }
    }
    if (arg < end || n_kw > 0) {
        method_misused();
    }
    exomp_object *self = MP_OBJ_TO_PTR(args[0]);
    if (self->over && !(method->kinds & EXOMP_CLOSES)) {
        EXOMP_VALUE_ERROR("closed");
    }
    mp_obj_t made;
    switch ((exomp_gives)(method->kinds >> EXOMP_GIVES_AT & 3)) {
    case EXOMP_GIVES_NONE:
        method->call.NONE(self, &said);
        return mp_const_none;
    case EXOMP_GIVES_NUMBER:
        return MP_OBJ_NEW_SMALL_INT(method->call.NUMBER(self, &said));
    case EXOMP_GIVES_FLAG:
        return mp_obj_new_bool(method->call.FLAG(self, &said));
    default:
        made = method->call.OBJECT(self, &said);
        return made == MP_OBJ_NULL ? mp_const_none : made;
    }
}

void exomp_method_find(const exomp_method *methods, unsigned rows, mp_obj_t self, qstr name, mp_obj_t *dest)
{
    const exomp_key key = EXOMP_KEY_OF_QSTR(name);
    for (const exomp_method *method = methods; dest[0] == MP_OBJ_NULL && method < methods + rows; method++) {
        if (EXOMP_NAME_IS(method->name, key)) {
            dest[0] = MP_OBJ_FROM_PTR(method);
            dest[1] = self;
        }
    }
}

EXOMP_TYPE_CALL(method, MP_QSTR_method, method_call)
