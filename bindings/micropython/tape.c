/*
 * tape.c: see tape.h. Building goes down into lists and dicts without recursion: its stack is EXO_JSON_DEPTH_MAX frames
 * of two words.
 */
#include "tape.h"

/* Whether a token has an object beside its type. */
static bool tape_has_object(exo_value_type type)
{
    const unsigned types = 1U << EXO_VALUE_INT | 1U << EXO_VALUE_NUMBER | 1U << EXO_VALUE_STRING | 1U << EXO_VALUE_KEY;
    return types >> type & 1;
}

/* ---- walking ---- */

static int tape_next(void *ctx, exo_value *value)
{
    exomp_tape *tape = ctx;
    memset(value, 0, sizeof *value);
    if (tape->kind == tape->kinds.len) {
        return EXO_OK;
    }
    value->type = (exo_value_type)tape->kinds.data[tape->kind++];
    if (tape_has_object(value->type)) {
        mp_obj_t object = ((mp_obj_t *)(void *)tape->objects.data)[tape->object++];
        if (value->type == EXO_VALUE_INT) {
            value->number.i = MP_OBJ_SMALL_INT_VALUE(object);
        } else {
            exomp_bytes(object, &value->text);
        }
    }
    return EXO_EVENT;
}

static int tape_rewind(void *ctx)
{
    exomp_tape *tape = ctx;
    tape->kind = 0;
    tape->object = 0;
    return EXO_OK;
}

static int tape_mark(void *ctx)
{
    exomp_tape *tape = ctx;
    tape->marked_kind = tape->kind;
    tape->marked_object = tape->object;
    return EXO_OK;
}

static int tape_reset(void *ctx)
{
    exomp_tape *tape = ctx;
    tape->kind = tape->marked_kind;
    tape->object = tape->marked_object;
    return EXO_OK;
}

static const exo_cursor_ops tape_ops = {
    .next = tape_next, .rewind = tape_rewind, .mark = tape_mark, .reset = tape_reset};

/* ---- building ---- */

/* A list, tuple or dict that is being gone through; its end is its length. */
typedef struct tape_frame {
    mp_obj_t of;
    size_t at; /* of the item that comes next; the one at hand is before it */
} tape_frame;

typedef struct tape_builder {
    exomp_tape *tape;
    const char *name;
    unsigned depth;
    tape_frame frames[EXO_JSON_DEPTH_MAX];
} tape_builder;

static mp_obj_t tape_str_of(mp_obj_t object)
{
    return exomp_call(MP_OBJ_FROM_PTR(&mp_type_str), object);
}

#ifndef EXO_NO_ERROR_TEXTS
/* The key at hand of a frame, MP_OBJ_NULL in a list. */
static mp_obj_t tape_key(const tape_frame *frame)
{
    return exomp_is_dict(frame->of) ? mp_obj_dict_get_map(frame->of)->table[frame->at - 1].key : MP_OBJ_NULL;
}

static void tape_print(void *said, const char *text, size_t size)
{
    (void)exo_buffer_append(said, exo_span_of(text, size));
}
#endif

/* Raises with the place and a reason: "messages[3].content: …". */
static NORETURN void tape_raise(const tape_builder *builder, const mp_obj_type_t *type, const char *reason)
{
#ifdef EXO_NO_ERROR_TEXTS
    (void)builder;
    (void)reason;
    nlr_raise(mp_obj_new_exception(type));
#else
    exo_buffer said;
    exomp_buffer(&said);
    const mp_print_t print = {&said, tape_print};
    mp_printf(&print, "%s", builder->name);
    for (unsigned i = 0; i < builder->depth; i++) {
        const tape_frame *frame = &builder->frames[i];
        mp_obj_t key = tape_key(frame);
        if (key == MP_OBJ_NULL) {
            mp_printf(&print, "[%u]", (unsigned)frame->at - 1);
        } else {
            exo_span name;
            exomp_bytes(tape_str_of(key), &name);
            mp_printf(&print, said.len > 0 ? ".%s" : "%s", name.ptr);
        }
    }
    mp_printf(&print, "%s", reason);
    exomp_raise_with(type, exomp_str_taken(&said));
#endif
}

static void tape_put(exomp_tape *tape, exo_value_type type, mp_obj_t object)
{
    const char kind = (char)type;
    exomp_check(exo_buffer_append(&tape->kinds, exo_span_of(&kind, 1)));
    if (tape_has_object(type)) {
        exomp_check(exo_buffer_append(&tape->objects, exo_span_of((const char *)&object, sizeof object)));
    }
}

/* A float as the fewest digits that read back: what str() makes of it where that does. */
static mp_obj_t tape_float(const tape_builder *builder, mp_obj_t number)
{
    mp_obj_t text = tape_str_of(number);
    exo_span digits;
    exomp_bytes(text, &digits);
    const char first = digits.ptr[digits.ptr[0] == '-'];
    if (first < '0' || first > '9') {
        tape_raise(builder, &mp_type_ValueError, ": NaN or infinity");
    }
    mp_obj_t type = MP_OBJ_FROM_PTR(mp_obj_get_type(number));
    if (exomp_equal(exomp_call(type, text), number)) {
        return text;
    }
    return mp_binary_op(MP_BINARY_OP_MODULO, exomp_word("%.17g"), number);
}

/* What a value is: itself, or the str, dict, list … that its class of Python's extends. MP_OBJ_NULL: none of these. */
static mp_obj_t tape_native(mp_obj_t value)
{
    EXOMP_TABLE mp_obj_type_t *const bases[] = {&mp_type_list, &mp_type_tuple, EXOMP_DICT_TYPE, &mp_type_str,
                                                &mp_type_int};
    const mp_obj_type_t *type = mp_obj_get_type(value);
    if (exomp_is_dict(value) || type == &mp_type_list || type == &mp_type_tuple) {
        return value;
    }
    mp_obj_t base = MP_OBJ_NULL;
    for (unsigned i = 0; i < EXOMP_ROWS(bases) && base == MP_OBJ_NULL && type->flags & MP_TYPE_FLAG_INSTANCE_TYPE;
         i++) {
        base = mp_obj_cast_to_native_base(value, MP_OBJ_FROM_PTR(bases[i]));
    }
    return base;
}

/* What a value is that is neither list nor dict, and the object that its token has; EXO_VALUE_END for anything else. */
static exo_value_type tape_scalar(const tape_builder *builder, mp_obj_t *value)
{
    const mp_obj_type_t *type = mp_obj_get_type(*value);
    if (*value == mp_const_none) {
        return EXO_VALUE_NULL;
    }
    if (*value == mp_const_true) {
        return EXO_VALUE_TRUE;
    }
    if (*value == mp_const_false) {
        return EXO_VALUE_FALSE;
    }
    if (type == &mp_type_str) {
        return EXO_VALUE_STRING;
    }
    if (mp_obj_is_small_int(*value)) {
        return EXO_VALUE_INT;
    }
    if (type == &mp_type_int) {
        *value = tape_str_of(*value);
        return EXO_VALUE_NUMBER;
    }
    if (type == EXOMP_FLOAT_TYPE) {
        *value = tape_float(builder, *value);
        return EXO_VALUE_NUMBER;
    }
    return EXO_VALUE_END;
}

/* A key as json.dumps() makes it. */
static mp_obj_t tape_key_text(const tape_builder *builder, mp_obj_t key)
{
    switch (tape_scalar(builder, &key)) {
    case EXO_VALUE_NULL:
        return MP_OBJ_NEW_QSTR(MP_QSTR_null);
    case EXO_VALUE_TRUE:
        return MP_OBJ_NEW_QSTR(MP_QSTR_true);
    case EXO_VALUE_FALSE:
        return MP_OBJ_NEW_QSTR(MP_QSTR_false);
    case EXO_VALUE_INT:
        return tape_str_of(key);
    case EXO_VALUE_END:
        key = tape_native(key);
        if (key == MP_OBJ_NULL || !exomp_is_str(key)) {
            tape_raise(builder, &mp_type_TypeError, ": key is no str");
        }
        return key;
    default:
        return key;
    }
}

/* Refuses a key that another one becomes too; only one that is no str itself can be that. */
static void tape_check_key(const tape_builder *builder, const mp_map_t *map, mp_obj_t text)
{
    const tape_frame *frame = &builder->frames[builder->depth - 1];
    for (size_t i = 0; i < map->alloc; i++) {
        if (i != frame->at - 1 && mp_map_slot_is_filled(map, i) &&
            exomp_equal(tape_key_text(builder, map->table[i].key), text)) {
            tape_raise(builder, &mp_type_ValueError, ": key twice");
        }
    }
}

/* The next value of the innermost frame, its key put; MP_OBJ_NULL at its end. */
static mp_obj_t tape_step(tape_builder *builder)
{
    tape_frame *frame = &builder->frames[builder->depth - 1];
    if (!exomp_is_dict(frame->of)) {
        size_t count;
        mp_obj_t *items;
        mp_obj_get_array(frame->of, &count, &items);
        return frame->at < count ? items[frame->at++] : MP_OBJ_NULL;
    }
    const mp_map_t *map = mp_obj_dict_get_map(frame->of);
    while (frame->at < map->alloc) {
        const mp_map_elem_t *element = &map->table[frame->at++];
        if (mp_map_slot_is_filled(map, frame->at - 1)) {
            mp_obj_t text = element->key;
            if (!exomp_is_str(text)) {
                text = tape_key_text(builder, text);
                tape_check_key(builder, map, text);
            }
            exo_span name;
            exomp_bytes(text, &name);
            builder->tape->names_files |= exo_span_is(name, "_content_file") || exo_span_is(name, "_file");
            tape_put(builder->tape, EXO_VALUE_KEY, text);
            return element->value;
        }
    }
    return MP_OBJ_NULL;
}

/* Puts a value: one that holds others becomes the innermost frame. */
static void tape_put_value(tape_builder *builder, mp_obj_t value)
{
    exo_value_type type = tape_scalar(builder, &value);
    if (type == EXO_VALUE_END) {
        value = tape_native(value);
        if (value == MP_OBJ_NULL) {
            tape_raise(builder, &mp_type_TypeError, ": no JSON");
        }
        type = tape_scalar(builder, &value);
    }
    if (type == EXO_VALUE_END) {
        if (builder->depth == EXO_JSON_DEPTH_MAX) {
            tape_raise(builder, &mp_type_ValueError, ": too deep");
        }
        type = exomp_is_dict(value) ? EXO_VALUE_OBJECT : EXO_VALUE_ARRAY;
        builder->frames[builder->depth++] = (tape_frame){value, 0};
    }
    tape_put(builder->tape, type, value);
}

void exomp_tape_build(exomp_tape *tape, mp_obj_t value, const char *name)
{
    tape_builder builder;
    builder.tape = tape;
    builder.name = name;
    builder.depth = 0;
    tape->cursor = (exo_cursor){&tape_ops, tape};
    exomp_buffer(&tape->kinds);
    exomp_buffer(&tape->objects);
    if (!exomp_is_dict(value)) {
        tape_raise(&builder, &mp_type_TypeError, "no dict");
    }
    tape_put_value(&builder, value);
    while (builder.depth > 0) {
        mp_obj_t next = tape_step(&builder);
        if (next != MP_OBJ_NULL) {
            tape_put_value(&builder, next);
        } else {
            builder.depth--;
            tape_put(tape, EXO_VALUE_END, MP_OBJ_NULL);
        }
    }
    exomp_fit(&tape->kinds);
    exomp_fit(&tape->objects);
}
