/*
 * binding.h: what the files of _exochat share: the limited API of Python, the state of the module, and how objects of
 * the core are handed to Python.
 *
 * The contract of the module is _exochat-stubs/__init__.pyi. Everything here runs with the GIL held, and nothing of the
 * core is on the stack while Python code of others can run.
 */
#ifndef EXOPY_BINDING_H
#define EXOPY_BINDING_H

#define PY_SSIZE_T_CLEAN
#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030B0000
#endif
#include <Python.h>

#include <exochat/client.h>
#include <exochat/exochat.h>

/* The types of events by exo_event_type, as Python names them; "" are not handed out. */
#define EXOPY_EVENT_MAP(X) \
    X(EXO_EVENT_TEXT, "content") \
    X(EXO_EVENT_REASONING, "reasoning") \
    X(EXO_EVENT_REFUSAL, "refusal") \
    X(EXO_EVENT_TOOL_CALL, "tool_call") \
    X(EXO_EVENT_TOOL_ARGUMENTS, "tool_arguments") \
    X(EXO_EVENT_USAGE, "usage") \
    X(EXO_EVENT_FALLBACK, "fallback") \
    X(EXO_EVENT_RESTART, "restart") \
    X(EXO_EVENT_END, "end")

/* Enough for every exo_event_type. */
#define EXOPY_EVENT_TYPES 16

/* The fields of an entry of a call's trail. */
#define EXOPY_TRAIL_FIELDS 18

/* The types over the hosted library, where that is linked in. */
#ifdef EXOPY_HOSTED
#define EXOPY_HOSTED_TYPE_MAP(X) \
    X(call) \
    X(client)
#else
#define EXOPY_HOSTED_TYPE_MAP(X)
#endif

/* The types of the module; a field of the state for each. */
#define EXOPY_TYPE_MAP(X) \
    X(answer) \
    X(attempt) \
    X(encoder) \
    X(failure) \
    X(head) \
    X(health) \
    X(route) \
    X(wire) \
    EXOPY_HOSTED_TYPE_MAP(X)

/* The state of the module. All references are its own. */
typedef struct exopy_state {
#define EXO_X(name) PyTypeObject *name##_type;
    EXOPY_TYPE_MAP(EXO_X)
#undef EXO_X
    PyObject *mapping;  /* collections.abc.Mapping */
    PyObject *is_ascii; /* str.isascii, */
    PyCFunction ascii;  /* and the function behind it, which takes any str; NULL: it is called as an object */
    PyObject *empty;    /* "" */
    PyObject *event_names[EXOPY_EVENT_TYPES];
    PyObject *trail_names[EXOPY_TRAIL_FIELDS];
} exopy_state;

/* The state by an object whose type is one of the module's. */
exopy_state *exopy_state_of(PyObject *object);

/* An attribute of an object, or of a module that is imported. NULL with an exception. The name is interned: the
 * interpreter remembers look-ups by the name's address, thousands of them, and each keeps a name that is made anew
 * alive. */
PyObject *exopy_attribute(PyObject *object, const char *name);
PyObject *exopy_import(const char *module, const char *name);

/* Memory for the core, from PyMem_Realloc(). */
extern const exo_allocator exopy_heap;

/* Specifications of the types; each in the file of its name. */
#define EXO_X(name) extern PyType_Spec exopy_##name##_spec;
EXOPY_TYPE_MAP(EXO_X)
#undef EXO_X

/* A str of UTF-8, with U+FFFD for what is none. NULL with MemoryError. */
PyObject *exopy_str(exo_span text);

/* The same, None where `text` is empty. */
PyObject *exopy_str_or_none(exo_span text);

/* A str or an object with the buffer protocol, as bytes that stay until `view` is given back with exopy_text_free(). */
typedef struct exopy_text {
    Py_buffer view;
    exo_span span;
} exopy_text;

/* Stores what `object` holds. False with an exception: `what` says in it what the object is for. */
bool exopy_text_get(exopy_text *text, PyObject *object, const char *what);
void exopy_text_free(exopy_text *text);

/* Frees a heap object of a type that the collector does not know. */
void exopy_dealloc(PyObject *self);

/* A new object of a type of the module, zeroed. NULL with MemoryError. */
PyObject *exopy_alloc(PyTypeObject *type);

/* Takes the reference `value` over in place of the one that is in `*slot`. */
void exopy_set(PyObject **slot, PyObject *value);

/* A function where Python wants a pointer to an object, which ISO C does not have. */
#define EXOPY_SLOT(function) (__extension__(void *)(function))

/* ---- failures, answers, events ---- */

/* A Failure, copied. */
PyObject *exopy_failure_new(exopy_state *state, const exo_failure *failure);

/* The failure of a Failure. NULL with TypeError for another object. */
const exo_failure *exopy_failure_of(exopy_state *state, PyObject *object);

/* An Answer with what came of one choice. */
PyObject *exopy_answer_new(exopy_state *state, exo_answer *answer, uint32_t choice, bool proven);

/* A dict of the counts that are known, or None. */
PyObject *exopy_usage(const exo_usage *usage);

/* The event tuple of the stubs. `text` may be NULL (""), `failure` too (None); neither is taken over. */
PyObject *exopy_event_new(exopy_state *state, const exo_intake_event *event, PyObject *text, PyObject *failure);

/* The mask (EXO_WANT()) of a sequence of names of events; None is all of them. False with an exception. */
bool exopy_wanted(exopy_state *state, PyObject *names, uint64_t *mask);

/* What an attempt knows of its entry of the trail, as a dict. */
PyObject *exopy_trail_entry(const exo_trail_entry *entry);

/* An entry of the trail of a call as it is shown; the names have been made by the other. NULL, or false, with an
 * exception. */
PyObject *exopy_trail_shown(exopy_state *state, const exo_trail_entry *entry);
bool exopy_trail_prepare(exopy_state *state);

/* Raises what a code of the core means for its caller: MemoryError, or ValueError with the words of the code. */
void exopy_raise(int code);

#endif
