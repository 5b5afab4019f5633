/*
 * method.c: the methods of all types: their arguments are converted here, as a table says, before they run.
 */
#include "binding.h"

static NORETURN void method_misused(void)
{
    mp_raise_TypeError(EXOMP_WORDS("number of arguments"));
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
    for (unsigned takes = method->takes & (EXOMP_CLOSES - 1); takes != 0; takes >>= EXOMP_ARGUMENT_BITS, arg++) {
        const exomp_takes kind = (exomp_takes)(takes & ((1 << EXOMP_ARGUMENT_BITS) - 1));
        if (arg >= end) {
            if (kind < EXOMP_TAKES_START) {
                method_misused();
            }
            continue;
        }
        switch (kind) {
        case EXOMP_TAKES_NOW:
            said.now = exomp_now(*arg);
            break;
        case EXOMP_TAKES_NUMBER:
            *number++ = exomp_int_of(*arg);
            break;
        case EXOMP_TAKES_FLAG:
            said.flag = mp_obj_is_true(*arg);
            break;
        case EXOMP_TAKES_BYTES:
            exomp_bytes(*arg, bytes++);
            break;
        case EXOMP_TAKES_START:
            said.start = exomp_int_of(*arg);
            break;
        case EXOMP_TAKES_END:
            said.end = exomp_int_of(*arg);
            break;
        default: /* EXOMP_TAKES_OBJECT */
            *objects++ = *arg;
            break;
        }
    }
    if (arg < end || n_kw > 0) {
        method_misused();
    }
    exomp_object *self = MP_OBJ_TO_PTR(args[0]);
    if (self->over && !(method->takes & EXOMP_CLOSES)) {
        mp_raise_ValueError(EXOMP_WORDS("closed"));
    }
    return method->call(self, &said);
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
