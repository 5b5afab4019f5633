/*
 * module.c: the module _exochat in both forms: its types, its constants, and the functions that belong to no object.
 */
#include "binding.h"

#include <exochat/client.h> /* for the version; nothing of the hosted library is called */

static mp_obj_t module_error_name(mp_obj_t code)
{
    return exomp_error_name((int)exomp_int_of(code));
}
static MP_DEFINE_CONST_FUN_OBJ_1(module_error_name_obj, module_error_name);

#ifdef EXO_NO_ERROR_TEXTS
#define module_error_text_obj module_error_name_obj
#else
static mp_obj_t module_error_text(mp_obj_t code)
{
    return exomp_error_text((int)exomp_int_of(code));
}
static MP_DEFINE_CONST_FUN_OBJ_1(module_error_text_obj, module_error_text);
#endif

static mp_obj_t module_error_class(mp_obj_t code)
{
    return exomp_word(exo_class_name(exo_error_class_of((int)exomp_int_of(code))));
}
static MP_DEFINE_CONST_FUN_OBJ_1(module_error_class_obj, module_error_class);

static mp_obj_t module_repair(mp_obj_t object)
{
    exo_span text;
    exomp_bytes(object, &text);
    exo_buffer out;
    exo_repair_report report;
    exomp_buffer(&out);
    exomp_check(exo_json_repair(text, EXO_JSON_DEPTH_MAX, &out, &report));
    mp_obj_t items[] = {exomp_str_taken(&out), mp_obj_new_bool(report.cut), exomp_int(report.values)};
    return mp_obj_new_tuple(3, items);
}
static MP_DEFINE_CONST_FUN_OBJ_1(module_repair_obj, module_repair);

static mp_obj_t module_frame(mp_obj_t buffer, mp_obj_t start, mp_obj_t size)
{
    const size_t before = EXO_HTTP1_CHUNK_BEFORE;
    const size_t behind = EXO_HTTP1_CHUNK_BEHIND;
    const size_t at = exomp_count_of(start, INT32_MAX);
    const size_t bytes = exomp_count_of(size, INT32_MAX);
    mp_buffer_info_t found;
    mp_get_buffer_raise(buffer, &found, MP_BUFFER_RW);
    if (at < before || found.len < behind || at > found.len - behind || bytes > found.len - behind - at) {
        EXOMP_VALUE_ERROR("no room");
    }
    char *const memory = found.buf;
    const exo_span chunk = exo_http1_chunk_frame(memory + at, bytes);
    mp_obj_t items[] = {MP_OBJ_NEW_SMALL_INT(chunk.ptr - memory), MP_OBJ_NEW_SMALL_INT(chunk.ptr + chunk.len - memory)};
    return mp_obj_new_tuple(2, items);
}
static MP_DEFINE_CONST_FUN_OBJ_3(module_frame_obj, module_frame);

#define MODULE_OBJECTS(X) \
    X(MP_QSTR_Answer, exomp_answer_type) \
    X(MP_QSTR_Attempt, exomp_attempt_type) \
    X(MP_QSTR_Encoder, exomp_encoder_type) \
    X(MP_QSTR_Failure, exomp_failure_type) \
    X(MP_QSTR_Head, exomp_head_type) \
    X(MP_QSTR_Health, exomp_health_type) \
    X(MP_QSTR_Route, exomp_route_type) \
    X(MP_QSTR_Wire, exomp_wire_type) \
    X(MP_QSTR_error_name, module_error_name_obj) \
    X(MP_QSTR_error_text, module_error_text_obj) \
    X(MP_QSTR_error_class, module_error_class_obj) \
    X(MP_QSTR_repair, module_repair_obj) \
    X(MP_QSTR_frame, module_frame_obj)

#define MODULE_CONSTANTS(X) \
    X(MP_QSTR_DO_RUN, EXO_DO_RUN) \
    X(MP_QSTR_DO_RESEND, EXO_DO_RESEND) \
    X(MP_QSTR_DO_DRAIN, EXO_DO_DRAIN) \
    X(MP_QSTR_DO_CLOSE, EXO_DO_CLOSE) \
    X(MP_QSTR_DO_OVER, EXO_DO_OVER) \
    X(MP_QSTR_ROUTE_ATTEMPT, EXO_ROUTE_ATTEMPT) \
    X(MP_QSTR_ROUTE_WAIT, EXO_ROUTE_WAIT) \
    X(MP_QSTR_ROUTE_GIVE_UP, EXO_ROUTE_GIVE_UP) \
    X(MP_QSTR_HOW_SHOWN, EXO_HOW_SHOWN) \
    X(MP_QSTR_HOW_SPENT, EXO_HOW_SPENT) \
    X(MP_QSTR_HOW_LOCAL, EXO_HOW_LOCAL) \
    X(MP_QSTR_CAN_CONNECTED, EXO_CAN_CONNECTED) \
    X(MP_QSTR_CAN_SENT, EXO_CAN_SENT) \
    X(MP_QSTR_CAN_DRAIN, EXO_CAN_DRAIN) \
    X(MP_QSTR_CAN_RESEND, EXO_CAN_RESEND) \
    X(MP_QSTR_PHASE_CONNECT, EXO_PHASE_CONNECT) \
    X(MP_QSTR_PHASE_SEND, EXO_PHASE_SEND) \
    X(MP_QSTR_PHASE_FIRST, EXO_PHASE_FIRST) \
    X(MP_QSTR_PHASE_STREAM, EXO_PHASE_STREAM) \
    X(MP_QSTR_PHASE_REST, EXO_PHASE_REST) \
    X(MP_QSTR_PHASE_REFUSAL, EXO_PHASE_REFUSAL)

#ifdef MICROPY_ENABLE_DYNRUNTIME

void exomp_fill_type(exomp_type *type, qstr name, void *make_new, void *attr, void *call)
{
    int slot = 0;
    type->base.type = &mp_type_type;
    type->flags = MP_TYPE_FLAG_NONE;
    type->name = name;
    if (make_new) {
        MP_OBJ_TYPE_SET_SLOT(type, make_new, make_new, slot);
        slot++;
    }
    if (attr) {
        MP_OBJ_TYPE_SET_SLOT(type, attr, attr, slot);
        slot++;
    }
    if (call) {
        MP_OBJ_TYPE_SET_SLOT(type, call, call, slot);
    }
}

#define EXO_X(name) void exomp_##name##_fill(void);
EXOMP_TYPE_MAP(EXO_X)
#undef EXO_X

mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args)
{
    MP_DYNRUNTIME_INIT_ENTRY(void) n_args;
    (void)n_kw;
    (void)args;
#define EXO_X(name) exomp_##name##_fill();
    EXOMP_TYPE_MAP(EXO_X)
#undef EXO_X
#define EXO_X(name, object) mp_store_global(name, MP_OBJ_FROM_PTR(&(object)));
    MODULE_OBJECTS(EXO_X)
#undef EXO_X
#define EXO_X(name, number) mp_store_global(name, MP_OBJ_NEW_SMALL_INT(number));
    MODULE_CONSTANTS(EXO_X)
#undef EXO_X
    mp_store_global(MP_QSTR___version__, exomp_word(EXO_VERSION));
    MP_DYNRUNTIME_INIT_EXIT
}

#else

static const MP_DEFINE_STR_OBJ(module_version_obj, EXO_VERSION);

static const mp_rom_map_elem_t module_table[] = {{MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__exochat)},
                                                 {MP_ROM_QSTR(MP_QSTR___version__), MP_ROM_PTR(&module_version_obj)},
#define EXO_X(name, object) {MP_ROM_QSTR(name), MP_ROM_PTR(&(object))},
                                                 MODULE_OBJECTS(EXO_X)
#undef EXO_X
#define EXO_X(name, number) {MP_ROM_QSTR(name), MP_ROM_INT(number)},
                                                     MODULE_CONSTANTS(EXO_X)
#undef EXO_X
};
static MP_DEFINE_CONST_DICT(module_globals, module_table);

const mp_obj_module_t exomp_module = {
    .base = {&mp_type_module},
    .globals = (mp_obj_dict_t *)&module_globals,
};

MP_REGISTER_MODULE(MP_QSTR__exochat, exomp_module);

#endif
