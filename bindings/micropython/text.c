/*
 * text.c: memory of the collector for the core, bytes, numbers and moments; see binding.h.
 */
#include "binding.h"

/* From so many bytes on, a block that cannot grow where it lies is worth a collection: there is seldom room for two. */
#define TEXT_LONG 4096

static void *text_resize(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
#ifndef MICROPY_ENABLE_DYNRUNTIME
    if (ptr && size > TEXT_LONG && !gc_is_locked()) {
        void *grown = gc_realloc(ptr, size, false);
        if (grown) {
            return grown;
        }
        gc_collect();
    }
#endif
    return exomp_realloc(ptr, size);
}

const exo_allocator exomp_heap = {NULL, text_resize};

#ifdef EXO_NO_ERROR_TEXTS
NORETURN void exomp_value_error(void)
{
    mp_raise_ValueError(MP_ERROR_TEXT(""));
}

NORETURN void exomp_type_error(void)
{
    mp_raise_TypeError(MP_ERROR_TEXT(""));
}
#endif

void *exomp_new(size_t size, exomp_type *type)
{
    mp_obj_base_t *object = m_malloc(size);
    memset(object, 0, size);
    object->type = (const mp_obj_type_t *)type;
    return object;
}

void *exomp_array(size_t count, size_t size)
{
    size *= count + 1;
    return memset(m_malloc(size), 0, size);
}

void exomp_buffer(exo_buffer *buffer)
{
    exo_buffer_init(buffer, &exomp_heap, UINT32_MAX, EXO_E_NO_MEMORY);
}

void *exomp_as(mp_obj_t object, exomp_type *type)
{
    if (mp_obj_get_type(object) != (const mp_obj_type_t *)type) {
        EXOMP_TYPE_ERROR("wrong type");
    }
    return MP_OBJ_TO_PTR(object);
}

mp_obj_t exomp_call(mp_obj_t function, mp_obj_t argument)
{
    return mp_call_function_n_kw(function, 1, 0, &argument);
}

bool exomp_equal(mp_obj_t one, mp_obj_t other)
{
    return mp_binary_op(MP_BINARY_OP_EQUAL, one, other) == mp_const_true;
}

NORETURN void exomp_raise_with(const mp_obj_type_t *type, mp_obj_t words)
{
    nlr_raise(mp_obj_new_exception_arg1(type, words));
}

NORETURN void exomp_raise(int code)
{
    const mp_obj_type_t *type =
        code == EXO_E_NO_MEMORY ? (const mp_obj_type_t *)&mp_type_MemoryError : &mp_type_ValueError;
    exomp_raise_with(type, exomp_error_name(code));
}

void exomp_check(int code)
{
    if (code != EXO_OK) {
        exomp_raise(code);
    }
}

/* ---- texts ---- */

mp_obj_t exomp_str(exo_span text)
{
    return mp_obj_new_str(text.len > 0 ? text.ptr : "", text.len);
}

mp_obj_t exomp_word(const char *text)
{
    return mp_obj_new_str(text, strlen(text));
}

mp_obj_t exomp_str_or_none(exo_span text)
{
    return text.len > 0 ? exomp_str(text) : mp_const_none;
}

void exomp_fit(exo_buffer *buffer)
{
    void *fitting = exomp_realloc(buffer->data, buffer->len);
    if (fitting) {
        buffer->data = fitting;
    }
}

mp_obj_t exomp_str_taken(exo_buffer *buffer)
{
    exomp_check(exo_buffer_reserve(buffer, 1));
    mp_obj_str_t *text = exomp_new(sizeof *text, (exomp_type *)&mp_type_str);
    text->len = buffer->len;
    buffer->data[buffer->len] = '\0'; /* as every str has it */
    buffer->len++;
    exomp_fit(buffer);
    text->data = (const byte *)buffer->data;
    memset(buffer, 0, sizeof *buffer);
    return MP_OBJ_FROM_PTR(text);
}

void exomp_bytes(mp_obj_t object, exo_span *out)
{
    mp_buffer_info_t found;
    mp_get_buffer_raise(object, &found, MP_BUFFER_READ);
    *out = exo_span_of(found.buf, found.len);
}

bool exomp_is_str(mp_obj_t object)
{
    return mp_obj_get_type(object) == &mp_type_str;
}

void exomp_text(mp_obj_t object, exo_span *out)
{
    if (!exomp_is_str(object)) {
        EXOMP_TYPE_ERROR("no str");
    }
    exomp_bytes(object, out);
}

#ifdef MICROPY_ENABLE_DYNRUNTIME
exo_span exomp_text_of(mp_obj_t object)
{
    exo_span text;
    exomp_text(object, &text);
    return text;
}
#endif

mp_obj_t *exomp_pair(mp_obj_t pair)
{
    size_t count;
    mp_obj_t *items;
    mp_obj_get_array(pair, &count, &items);
    if (count != 2) {
        EXOMP_VALUE_ERROR("no pair");
    }
    return items;
}

bool exomp_is_dict(mp_obj_t object)
{
#ifdef MICROPY_ENABLE_DYNRUNTIME
    return MP_OBJ_TYPE_GET_SLOT_OR_NULL(mp_obj_get_type(object), make_new) ==
           MP_OBJ_TYPE_GET_SLOT_OR_NULL(mp_fun_table.type_dict, make_new);
#else
    return mp_obj_is_dict_or_ordereddict(object);
#endif
}

/* ---- numbers ---- */

mp_obj_t exomp_int(int64_t number)
{
#ifdef MICROPY_ENABLE_DYNRUNTIME
    if (number == (mp_int_t)number) {
        return mp_obj_new_int((mp_int_t)number);
    }
    mp_obj_t high = mp_obj_new_int((mp_int_t)(number >> 32));
    mp_obj_t shifted = mp_binary_op(MP_BINARY_OP_LSHIFT, high, MP_OBJ_NEW_SMALL_INT(32));
    return mp_binary_op(MP_BINARY_OP_OR, shifted, mp_obj_new_int_from_uint((uint32_t)number));
#else
    return mp_obj_new_int_from_ll(number);
#endif
}

mp_int_t exomp_int_of(mp_obj_t object)
{
    return (mp_int_t)mp_obj_get_int(object);
}

uint32_t exomp_count(mp_int_t number, uint32_t most)
{
    if (number < 0 || (mp_uint_t)number > most) {
        EXOMP_VALUE_ERROR("out of range");
    }
    return (uint32_t)number;
}

uint32_t exomp_count_of(mp_obj_t object, uint32_t most)
{
    return exomp_count(exomp_int_of(object), most);
}

/* ---- moments ---- */

/* The moment that was told last, as Python said it and as the core has it. All objects share one clock, since what is
 * remembered of a deployment outlives a call. */
struct {
    int64_t meant;
    mp_uint_t said;
} exomp_last;

int64_t exomp_now(mp_obj_t now)
{
    /* A moment is less than the period, as time.ticks_diff() has it; farther back than a minute is another clock. */
    const mp_uint_t half = ((mp_uint_t)MP_SMALL_INT_POSITIVE_MASK + 1) / 2;
    const mp_uint_t said = (mp_uint_t)exomp_int_of(now);
    const mp_int_t passed =
        (mp_int_t)((said - exomp_last.said + half) & (mp_uint_t)MP_SMALL_INT_POSITIVE_MASK) - (mp_int_t)half;
    if (exomp_last.meant == 0) {
        exomp_last.meant = INT64_C(1) << 32;
    } else if (passed > -60000) {
        if (passed < 0) {
            return exomp_last.meant + passed;
        }
        exomp_last.meant += passed;
    }
    exomp_last.said = said;
    return exomp_last.meant;
}

int64_t exomp_until(int64_t now, mp_int_t left)
{
    return left < 0 ? -1 : now + left;
}

mp_obj_t exomp_left(int64_t now, int64_t until)
{
    return exomp_int(until < 0 ? -1 : until > now ? until - now : 0);
}

/* ---- buffers ---- */

/* Leaves of `bytes` what a method was told to take. */
static void text_cut(exo_span *bytes, const exomp_args *args)
{
    const size_t start = (size_t)args->start;
    const size_t end = args->end < 0 ? bytes->len : (size_t)args->end;
    if (start > end || end > bytes->len) {
        EXOMP_VALUE_ERROR("out of range");
    }
    bytes->ptr += start;
    bytes->len = end - start;
}

void exomp_hold(exomp_held *held, const exomp_args *args, exo_span *fed)
{
    exomp_bytes(args->object[0], fed);
    const exo_span whole = *fed;
    text_cut(fed, args);
    if (held->object != MP_OBJ_NULL) {
        EXOMP_VALUE_ERROR("next() first");
    }
    if (fed->len > 0) {
        held->object = args->object[0];
        held->whole = whole;
    }
}

void exomp_held_check(const exomp_held *held)
{
    if (held->object != MP_OBJ_NULL) {
        exo_span bytes;
        exomp_bytes(held->object, &bytes);
        if (bytes.ptr != held->whole.ptr || bytes.len != held->whole.len) {
            EXOMP_VALUE_ERROR("buffer resized");
        }
    }
}

void exomp_window(const exomp_args *args, exo_window *window)
{
    mp_buffer_info_t found;
    mp_get_buffer_raise(args->object[0], &found, MP_BUFFER_RW);
    exo_span room = exo_span_of(found.buf, found.len);
    text_cut(&room, args);
    *window = (exo_window){(char *)found.buf + args->start, room.len, 0};
}
