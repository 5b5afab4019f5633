/*
 * binding.h: what the files of _exochat share: MicroPython's API in both forms (user C module, native .mpy), the types
 * of the module, and how bytes, numbers and options go back and forth.
 *
 * The contract of the module is bindings/python/_exochat-stubs/__init__.pyi. Two rules hold everywhere. Nothing raises
 * while a function of the core is on the stack: what may raise is done before or behind it. All memory is the
 * collector's, and every pointer to it lies in an object or on the stack, and points to the beginning of a block, so
 * that nothing needs to be freed and nothing has a finaliser.
 */
#ifndef EXOMP_BINDING_H
#define EXOMP_BINDING_H

#ifdef MICROPY_ENABLE_DYNRUNTIME
#include "py/dynruntime.h"
#else
#include "py/gc.h"
#include "py/objstr.h"
#include "py/runtime.h"
#endif
#include "py/smallint.h"

#include <exochat/exochat.h>

/* ---- the two forms ---- */

#ifdef MICROPY_ENABLE_DYNRUNTIME
/* A native module fills its types and tables when it is loaded, for a qstr is no constant there. Its qstrs are those
 * whose names stand in its sources; dynruntime.h also uses MP_QSTR_int, MP_QSTR_TypeError and MP_QSTR_ValueError. */
#define mp_type_MemoryError (*(mp_obj_type_t *)mp_load_global(MP_QSTR_MemoryError))
typedef mp_obj_full_type_t exomp_type;
#define EXOMP_QSTRS              const uint16_t
#define EXOMP_TABLE              const
#define exomp_realloc(ptr, size) m_realloc_maybe((ptr), (size), true)
#define EXOMP_DICT_TYPE          mp_fun_table.type_dict
#define EXOMP_FLOAT_TYPE         ((const mp_obj_type_t *)mp_load_global(MP_QSTR_float))
/* A name in a table: its text; and what a name is compared with. */
typedef const char *exomp_name;
typedef exo_span exomp_key;
#define EXOMP_NAME(text)         #text
#define EXOMP_NAME_OBJ(name)     exomp_word(name)
#define EXOMP_NAME_IS(name, key) exo_span_is((key), (name))
#define EXOMP_KEY_OF(object)     exomp_text_of(object)
#define EXOMP_QSTR_IS(qstr, key) exo_span_equal(EXOMP_KEY_OF_QSTR(qstr), (key))
#define EXOMP_KEY_OF_QSTR(qstr)  exomp_text_of(mp_fun_table.native_to_obj((qstr), MP_NATIVE_TYPE_QSTR))
/* A type, and the function that fills it in. */
#define EXOMP_TYPE(prefix, NAME, MAKE_NEW, ATTR, CALL) \
    exomp_type exomp_##prefix##_type; \
    void exomp_##prefix##_fill(void) \
    { \
        exomp_fill_type(&exomp_##prefix##_type, NAME, MAKE_NEW, ATTR, CALL); \
    }
#define EXOMP_TYPE_NEW(prefix, NAME, MAKE_NEW)            EXOMP_TYPE(prefix, NAME, MAKE_NEW, NULL, NULL)
#define EXOMP_TYPE_ATTR(prefix, NAME, ATTR)               EXOMP_TYPE(prefix, NAME, NULL, ATTR, NULL)
#define EXOMP_TYPE_NEW_ATTR(prefix, NAME, MAKE_NEW, ATTR) EXOMP_TYPE(prefix, NAME, MAKE_NEW, ATTR, NULL)
#define EXOMP_TYPE_CALL(prefix, NAME, CALL)               EXOMP_TYPE(prefix, NAME, NULL, NULL, CALL)
void exomp_fill_type(exomp_type *type, qstr name, void *make_new, void *attr, void *call);
#else
typedef const mp_obj_type_t exomp_type;
#define EXOMP_QSTRS              static const uint16_t
#define EXOMP_TABLE              static const
#define exomp_realloc(ptr, size) gc_realloc((ptr), (size), true)
#define EXOMP_DICT_TYPE          (&mp_type_dict)
#if MICROPY_PY_BUILTINS_FLOAT
#define EXOMP_FLOAT_TYPE (&mp_type_float)
#else
#define EXOMP_FLOAT_TYPE NULL
#endif
typedef uint16_t exomp_name;
typedef qstr exomp_key;
#define EXOMP_NAME(text)         MP_QSTR_##text
#define EXOMP_NAME_OBJ(name)     MP_OBJ_NEW_QSTR(name)
#define EXOMP_NAME_IS(name, key) ((name) == (key))
#define EXOMP_KEY_OF(object)     mp_obj_str_get_qstr(object)
#define EXOMP_QSTR_IS(qstr, key) ((qstr) == (key))
#define EXOMP_KEY_OF_QSTR(qstr)  (qstr)
#define EXOMP_TYPE_NEW(prefix, NAME, MAKE_NEW) \
    MP_DEFINE_CONST_OBJ_TYPE(exomp_##prefix##_type, NAME, MP_TYPE_FLAG_NONE, make_new, MAKE_NEW);
#define EXOMP_TYPE_ATTR(prefix, NAME, ATTR) \
    MP_DEFINE_CONST_OBJ_TYPE(exomp_##prefix##_type, NAME, MP_TYPE_FLAG_NONE, attr, ATTR);
#define EXOMP_TYPE_NEW_ATTR(prefix, NAME, MAKE_NEW, ATTR) \
    MP_DEFINE_CONST_OBJ_TYPE(exomp_##prefix##_type, NAME, MP_TYPE_FLAG_NONE, make_new, MAKE_NEW, attr, ATTR);
#define EXOMP_TYPE_CALL(prefix, NAME, CALL) \
    MP_DEFINE_CONST_OBJ_TYPE(exomp_##prefix##_type, NAME, MP_TYPE_FLAG_NONE, call, CALL);
#endif

/* Raise, with words, which a build without the texts of errors leaves out too. */
#ifdef EXO_NO_ERROR_TEXTS
#define EXOMP_VALUE_ERROR(words) exomp_value_error()
#define EXOMP_TYPE_ERROR(words)  exomp_type_error()
NORETURN void exomp_value_error(void);
NORETURN void exomp_type_error(void);
#else
#define EXOMP_VALUE_ERROR(words) mp_raise_ValueError(MP_ERROR_TEXT(words))
#define EXOMP_TYPE_ERROR(words)  mp_raise_TypeError(MP_ERROR_TEXT(words))
#endif

/* The types; each in the file of its name. */
#define EXOMP_TYPE_MAP(X) \
    X(answer) \
    X(attempt) \
    X(encoder) \
    X(failure) \
    X(head) \
    X(health) \
    X(method) \
    X(route) \
    X(wire)
#define EXO_X(name) extern exomp_type exomp_##name##_type;
EXOMP_TYPE_MAP(EXO_X)
#undef EXO_X

/* ---- text.c: memory, bytes and numbers ---- */

/* Memory for the core, from the collector; NULL where there is none or the heap is locked, never an exception. */
extern const exo_allocator exomp_heap;

/* A new object, zeroed but for its type. */
void *exomp_new(size_t size, exomp_type *type);

/* A zeroed array, and one element more, so that it is never empty. */
void *exomp_array(size_t count, size_t size);

/* An empty buffer of the collector's memory, of any size. */
void exomp_buffer(exo_buffer *buffer);

/* Gives back what a buffer has more than it holds. */
void exomp_fit(exo_buffer *buffer);

/* The object that `object` is, TypeError where it is of another type. */
void *exomp_as(mp_obj_t object, exomp_type *type);

/* What a function or type of Python's returns for one argument. */
mp_obj_t exomp_call(mp_obj_t function, mp_obj_t argument);

/* Whether two objects are equal. */
bool exomp_equal(mp_obj_t one, mp_obj_t other);

/* Raises an exception of a type, with its argument. */
NORETURN void exomp_raise_with(const mp_obj_type_t *type, mp_obj_t words);

/* Raises what an error of the core means for a caller: MemoryError, or ValueError with its name. */
NORETURN void exomp_raise(int code);

/* Raises what exomp_raise() does, unless `code` is EXO_OK. */
void exomp_check(int code);

/* A str of UTF-8; of one that ends with NUL; and None where it is empty. */
mp_obj_t exomp_str(exo_span text);
mp_obj_t exomp_word(const char *text);
mp_obj_t exomp_str_or_none(exo_span text);

/* The contents of a buffer as a str, without a copy: the memory is the str's from then on. */
mp_obj_t exomp_str_taken(exo_buffer *buffer);

/* Stores the bytes of a str or of an object with the buffer protocol; TypeError else. */
void exomp_bytes(mp_obj_t object, exo_span *out);

/* Stores the bytes of a str; TypeError else. */
void exomp_text(mp_obj_t object, exo_span *out);

#ifdef MICROPY_ENABLE_DYNRUNTIME
/* The same as a value. */
exo_span exomp_text_of(mp_obj_t object);
#endif

/* The two objects of a tuple or list; ValueError where there are more or less. */
mp_obj_t *exomp_pair(mp_obj_t pair);

bool exomp_is_str(mp_obj_t object);
bool exomp_is_dict(mp_obj_t object);

/* 64 bits as an int; and the word that an int is, TypeError for what is none. */
mp_obj_t exomp_int(int64_t number);
mp_int_t exomp_int_of(mp_obj_t object);

/* The same of what must lie between 0 and `most`; and the number itself. */
uint32_t exomp_count_of(mp_obj_t object, uint32_t most);
uint32_t exomp_count(mp_int_t number, uint32_t most);

/* A moment as Python gives it → one that never wraps. Small steps back are kept, others begin anew. */
int64_t exomp_now(mp_obj_t now);

/* A moment that lies `left` milliseconds behind `now`; -1 for -1. And back: -1, or 0 where it has passed. */
int64_t exomp_until(int64_t now, mp_int_t left);
mp_obj_t exomp_left(int64_t now, int64_t until);

/* Bytes that Python fed and that the core still looks into. */
typedef struct exomp_held {
    mp_obj_t object; /* MP_OBJ_NULL: none */
    exo_span whole;
} exomp_held;

/* Raises where the held bytes have moved or changed their number. Call it before the core looks at them. */
void exomp_held_check(const exomp_held *held);

/* ---- error_words.c: what exo_error_name() and exo_error_text() say, as a str ---- */

mp_obj_t exomp_error_name(int code);
mp_obj_t exomp_error_text(int code);

/* ---- method.c: the methods of all types ---- */

#define EXOMP_ROWS(table) ((unsigned)(sizeof(table) / sizeof((table)[0])))

/* What a method takes: what becomes of its arguments, in their order. */
typedef enum exomp_takes {
    EXOMP_TAKES_NONE,
    EXOMP_TAKES_NOW, /* a moment */
    EXOMP_TAKES_NUMBER,
    EXOMP_TAKES_FLAG,
    EXOMP_TAKES_BYTES, /* str, or what has the buffer protocol */
    EXOMP_TAKES_OBJECT,
    EXOMP_TAKES_START, /* these two may be missing: where in a buffer bytes begin, 0, */
    EXOMP_TAKES_END    /* and end, -1 */
} exomp_takes;

/* What every object with methods begins with. */
typedef struct exomp_object {
    mp_obj_base_t base;
    bool over; /* closed, or never begun: ValueError for all methods but close() */
} exomp_object;

/* Arguments, each kind in its order. */
typedef struct exomp_args {
    int64_t now;
    mp_int_t number[2];
    exo_span bytes[2];
    mp_obj_t object[2];
    mp_int_t start;
    mp_int_t end;
    bool flag;
} exomp_args;

/* What a method returns. */
typedef enum exomp_gives {
    EXOMP_GIVES_OBJECT, /* or None for MP_OBJ_NULL */
    EXOMP_GIVES_NONE,
    EXOMP_GIVES_NUMBER, /* a small int */
    EXOMP_GIVES_FLAG
} exomp_gives;

/* An object that is called with the one that it is a method of. */
typedef struct exomp_method {
    mp_obj_base_t base;
    exomp_name name;
    uint16_t kinds; /* three bits for each argument, the first lowest; two for an exomp_gives; and EXOMP_CLOSES */
    union {
        mp_obj_t (*OBJECT)(void *self, const exomp_args *args);
        void (*NONE)(void *self, const exomp_args *args);
        mp_int_t (*NUMBER)(void *self, const exomp_args *args);
        bool (*FLAG)(void *self, const exomp_args *args);
    } call;
} exomp_method;

#define EXOMP_ARGUMENT_BITS 3
#define EXOMP_GIVES_AT      (4 * EXOMP_ARGUMENT_BITS)
#define EXOMP_CLOSES        (1 << (EXOMP_GIVES_AT + 2))
#define EXOMP_TAKES(a, b, c, d) \
    (EXOMP_TAKES_##a | EXOMP_TAKES_##b << EXOMP_ARGUMENT_BITS | EXOMP_TAKES_##c << 2 * EXOMP_ARGUMENT_BITS | \
     EXOMP_TAKES_##d << 3 * EXOMP_ARGUMENT_BITS)
#define EXOMP_METHOD_AS(text, function, gives, takes) \
    { \
        {(const mp_obj_type_t *)&exomp_method_type}, EXOMP_NAME(text), \
            EXOMP_GIVES_##gives << EXOMP_GIVES_AT | (takes), \
        { \
            .gives = (function) \
        } \
    }
/* A method of that name, what it gives, and what its four arguments become. */
#define EXOMP_METHOD(text, function, gives, a, b, c, d) EXOMP_METHOD_AS(text, function, gives, EXOMP_TAKES(a, b, c, d))

/* Holds the object that a method was given, and stores its bytes from START up to END; ValueError where there is
 * something held. */
void exomp_hold(exomp_held *held, const exomp_args *args, exo_span *fed);

/* Stores the writable buffer that a method was given, from START up to END. */
void exomp_window(const exomp_args *args, exo_window *window);

/* For the function of a type that looks up attributes: finds a method. */
void exomp_method_find(const exomp_method *methods, unsigned rows, mp_obj_t self, qstr name, mp_obj_t *dest);

/* ---- fields.c: structs ↔ dicts and attributes, by tables ---- */

typedef enum exomp_kind {
    EXOMP_BOOL,
    EXOMP_U16,
    EXOMP_INT,
    EXOMP_UINT, /* uint32_t */
    EXOMP_INT64,
    EXOMP_COUNT,   /* int64_t, to be read only: below 0 it is none */
    EXOMP_UNTIL,   /* exo_ttft_until: "event" or "token" */
    EXOMP_OBJECT,  /* mp_obj_t */
    EXOMP_CHARS,   /* char[], to be read only */
    EXOMP_VERDICT, /* these two also */
    EXOMP_CLOCK
} exomp_kind;

typedef struct exomp_field {
    exomp_name name;
    uint16_t place; /* the offset in the struct, and below it in four bits an exomp_kind */
} exomp_field;

#define EXOMP_FIELD_AT(field, offset, kind) \
    { \
        EXOMP_NAME(field), (uint16_t)((offset) << 4 | (kind)) \
    }
#define EXOMP_FIELD(type, field, kind) EXOMP_FIELD_AT(field, offsetof(type, field), kind)

/* The row of that name, or NULL. */
const exomp_field *exomp_field_find(const exomp_field *table, unsigned rows, exomp_key key);

/* What a field holds, or MP_OBJ_NULL. */
mp_obj_t exomp_field_get(const exomp_field *field, const void *from);

/* All fields that hold something as a dict. */
mp_obj_t exomp_fields_dict(const exomp_field *table, unsigned rows, const void *from);

/* Reads a dict, or None, into a struct; what it lacks, or has as None, stays as it is. TypeError and ValueError name
 * the key. */
void exomp_fields_set(mp_obj_t dict, const exomp_field *table, unsigned rows, void *to);

/* The limits of a microcontroller, and over them what the dict says; it may be MP_OBJ_NULL. */
void exomp_limits(mp_obj_t dict, exo_limits *limits);

/* A policy of a route, from a dict or None. */
void exomp_policy(mp_obj_t dict, exo_route_policy *policy);

/* ---- objects that several files make ---- */

mp_obj_t exomp_failure_new(const exo_failure *failure);
const exo_failure *exomp_failure_of(mp_obj_t object);

/* An Answer, whose own answers[choice] is from then on. */
mp_obj_t exomp_answer_new(exo_answer *answers, uint32_t choice, bool proven);

/* A dict of the counts that are known. */
mp_obj_t exomp_usage(const exo_usage *usage);

/* The event tuple of the stubs; `text` in place of the event's own. */
mp_obj_t exomp_event(const exo_intake_event *event, exo_span text);

/* The mask of a sequence of names of events. */
unsigned exomp_wanted(mp_obj_t names);

/* ---- attempt.c ---- */

/* What is used most stands where short instructions reach it. */
typedef struct exomp_attempt {
    exomp_object object;
    bool draining;
    bool joining;            /* `joined` holds pieces of a text that goes on, of what `of` says */
    struct exomp_wire *wire; /* what next() reads through; NULL: bytes are fed to the attempt */
    uint32_t count;          /* of answers */
    uint32_t taken;          /* a bit for each that was handed out */
    exo_answer *answers;
    mp_obj_t failure; /* as handed out */
    mp_obj_t pending; /* an event that comes next */
    exomp_held held;
    exo_buffer joined;
    exo_buffer whole;
    exo_intake_event of;
    exo_attempt attempt;
    exo_drain drain;
    exo_limits limits;
} exomp_attempt;

/* The next wanted event, or MP_OBJ_NULL. */
mp_obj_t exomp_attempt_event(exomp_attempt *self);

/* The same, of what was fed to the wire. */
mp_obj_t exomp_wire_event(struct exomp_wire *wire);

#endif
