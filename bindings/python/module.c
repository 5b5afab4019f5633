/*
 * module.c: the module _exochat: its state, its types, its constants and the functions that belong to no object.
 */
#include "binding.h"

#ifdef EXOPY_HOSTED
#include "client.h"
#include "exochat/library.h"
#endif

exopy_state *exopy_state_of(PyObject *object)
{
    return PyType_GetModuleState(Py_TYPE(object));
}

PyObject *exopy_attribute(PyObject *object, const char *name)
{
    PyObject *interned = PyUnicode_InternFromString(name);
    PyObject *found = interned ? PyObject_GetAttr(object, interned) : NULL;
    Py_XDECREF(interned);
    return found;
}

PyObject *exopy_import(const char *module, const char *name)
{
    PyObject *from = PyImport_ImportModule(module);
    PyObject *found = from ? exopy_attribute(from, name) : NULL;
    Py_XDECREF(from);
    return found;
}

/* ---- functions ---- */

static bool module_code(PyObject *object, int *code)
{
    long number = PyLong_AsLong(object);
    if (number == -1 && PyErr_Occurred()) {
        return false;
    }
    *code = number < INT_MIN || number > INT_MAX ? 0 : (int)number;
    return true;
}

static PyObject *module_error_name(PyObject *module, PyObject *object)
{
    int code;
    (void)module;
    return module_code(object, &code) ? PyUnicode_FromString(exo_error_name(code)) : NULL;
}

static PyObject *module_error_text(PyObject *module, PyObject *object)
{
    int code;
    (void)module;
    return module_code(object, &code) ? PyUnicode_FromString(exo_error_text(code)) : NULL;
}

static PyObject *module_error_class(PyObject *module, PyObject *object)
{
    int code;
    (void)module;
    return module_code(object, &code) ? PyUnicode_FromString(exo_class_name(exo_error_class_of(code))) : NULL;
}

static PyObject *module_repair(PyObject *module, PyObject *object)
{
    exopy_text text;
    (void)module;
    if (!exopy_text_get(&text, object, "repair()")) {
        return NULL;
    }
    exo_buffer out;
    exo_repair_report report;
    exo_buffer_init(&out, &exopy_heap, UINT32_MAX, EXO_E_ARGUMENTS_LIMIT);
    int code = exo_json_repair(text.span, EXO_JSON_DEPTH_MAX, &out, &report);
    PyObject *result = NULL;
    if (code == EXO_OK) {
        PyObject *json = exopy_str(exo_buffer_span(&out));
        result = json ? Py_BuildValue("(NOI)", json, report.cut ? Py_True : Py_False, (unsigned)report.values) : NULL;
    } else {
        exopy_raise(code);
    }
    exo_buffer_free(&out);
    exopy_text_free(&text);
    return result;
}

static PyObject *module_frame(PyObject *module, PyObject *args)
{
    PyObject *buffer;
    Py_ssize_t start;
    Py_ssize_t size;
    Py_buffer view;
    (void)module;
    if (!PyArg_ParseTuple(args, "Onn:frame", &buffer, &start, &size) ||
        PyObject_GetBuffer(buffer, &view, PyBUF_WRITABLE) < 0) {
        return NULL;
    }
    PyObject *result = NULL;
    Py_ssize_t before = (Py_ssize_t)EXO_HTTP1_CHUNK_BEFORE;
    if (start < before || size < 0 || start > view.len - EXO_HTTP1_CHUNK_BEHIND ||
        size > view.len - EXO_HTTP1_CHUNK_BEHIND - start) {
        PyErr_SetString(PyExc_ValueError, "frame(): no room around the bytes");
    } else if (size == 0) {
        result = Py_BuildValue("(nn)", start, start);
    } else {
        exo_span chunk = exo_http1_chunk_frame((char *)view.buf + start, (size_t)size);
        Py_ssize_t begin = chunk.ptr - (const char *)view.buf;
        result = Py_BuildValue("(nn)", begin, begin + (Py_ssize_t)chunk.len);
    }
    PyBuffer_Release(&view);
    return result;
}

#ifdef EXOPY_HOSTED
static PyObject *module_versions(PyObject *module, PyObject *ignored)
{
    (void)module;
    (void)ignored;
    return PyUnicode_FromString(exo_library_versions());
}
#endif

static PyMethodDef module_functions[] = {
    {"error_name", module_error_name, METH_O, "error_name(code): the symbol of a code, as \"EXO_E_CLOCK_FIRST\"."},
    {"error_text", module_error_text, METH_O, "error_text(code): a few English words that say what happened."},
    {"error_class", module_error_class, METH_O, "error_class(code): who is to blame: \"caller\", \"transport\" ..."},
    {"repair", module_repair, METH_O, "repair(text): (json, cut, values), valid JSON of what a model wrote."},
    {"frame", module_frame, METH_VARARGS, "frame(buffer, start, size): (begin, end) of the chunk made in place."},
#ifdef EXOPY_HOSTED
    {"config", exopy_config, METH_O, "config(path): what a configuration file says, as a dict."},
    {"versions", module_versions, METH_NOARGS,
     "versions(): what the library stands on, as \"libcurl/8.9.1 OpenSSL/3.2.0\"."},
#endif
    {NULL, NULL, 0, NULL},
};

/* ---- the module ---- */

static const struct {
    const char *name;
    int value;
} module_constants[] = {
#define EXO_X(name) \
    { \
#name, EXO_##name \
    }
    EXO_X(DO_RUN),        EXO_X(DO_RESEND),     EXO_X(DO_DRAIN),      EXO_X(DO_CLOSE),     EXO_X(DO_OVER),
    EXO_X(ROUTE_ATTEMPT), EXO_X(ROUTE_WAIT),    EXO_X(ROUTE_GIVE_UP), EXO_X(HOW_SHOWN),    EXO_X(HOW_SPENT),
    EXO_X(HOW_LOCAL),     EXO_X(CAN_CONNECTED), EXO_X(CAN_SENT),      EXO_X(CAN_DRAIN),    EXO_X(CAN_RESEND),
    EXO_X(PHASE_CONNECT), EXO_X(PHASE_SEND),    EXO_X(PHASE_FIRST),   EXO_X(PHASE_STREAM), EXO_X(PHASE_REST),
    EXO_X(PHASE_REFUSAL),
#undef EXO_X
};

static bool module_add_type(PyObject *module, PyTypeObject **slot, PyType_Spec *spec)
{
    *slot = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    return *slot && PyModule_AddType(module, *slot) == 0;
}

static bool module_intern_names(exopy_state *state)
{
    static const struct {
        exo_event_type type;
        const char *name;
    } names[] = {
#define EXO_X(type, name) {type, name},
        EXOPY_EVENT_MAP(EXO_X)
#undef EXO_X
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        PyObject *name = PyUnicode_InternFromString(names[i].name);
        if (!name) {
            return false;
        }
        state->event_names[names[i].type] = name;
    }
    return true;
}

/* Every str of a request is asked whether it is ASCII, and the way through an object costs ten times what it finds. */
static bool module_find_ascii(exopy_state *state)
{
    PyObject *bound = state->empty ? exopy_attribute(state->empty, "isascii") : NULL;
    if (bound && PyCFunction_CheckExact(bound) && PyCFunction_GetFlags(bound) == METH_NOARGS) {
        state->ascii = PyCFunction_GetFunction(bound);
    }
    Py_XDECREF(bound);
    return bound != NULL;
}

static int module_exec(PyObject *module)
{
    exopy_state *state = PyModule_GetState(module);
#define EXO_X(name) \
    if (!module_add_type(module, &state->name##_type, &exopy_##name##_spec)) { \
        return -1; \
    }
    EXOPY_TYPE_MAP(EXO_X)
#undef EXO_X
    state->mapping = exopy_import("collections.abc", "Mapping");
    state->is_ascii = exopy_attribute((PyObject *)&PyUnicode_Type, "isascii");
    state->empty = PyUnicode_InternFromString("");
    if (!state->mapping || !state->is_ascii || !module_find_ascii(state) || !module_intern_names(state) ||
        !exopy_trail_prepare(state)) {
        return -1;
    }
    for (size_t i = 0; i < sizeof module_constants / sizeof module_constants[0]; i++) {
        if (PyModule_AddIntConstant(module, module_constants[i].name, module_constants[i].value) < 0) {
            return -1;
        }
    }
    return PyModule_AddStringConstant(module, "__version__", EXO_VERSION);
}

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
    exopy_state *state = PyModule_GetState(module);
#define EXO_X(name) Py_VISIT(state->name##_type);
    EXOPY_TYPE_MAP(EXO_X)
#undef EXO_X
    Py_VISIT(state->mapping);
    Py_VISIT(state->is_ascii);
    return 0;
}

static int module_clear(PyObject *module)
{
    exopy_state *state = PyModule_GetState(module);
#define EXO_X(name) Py_CLEAR(state->name##_type);
    EXOPY_TYPE_MAP(EXO_X)
#undef EXO_X
    Py_CLEAR(state->mapping);
    Py_CLEAR(state->is_ascii);
    Py_CLEAR(state->empty);
    for (size_t i = 0; i < EXOPY_EVENT_TYPES; i++) {
        Py_CLEAR(state->event_names[i]);
    }
    for (size_t i = 0; i < EXOPY_TRAIL_FIELDS; i++) {
        Py_CLEAR(state->trail_names[i]);
    }
    return 0;
}

static void module_free(void *module)
{
    (void)module_clear(module);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, EXOPY_SLOT(module_exec)},
    {0, NULL},
};

static struct PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_exochat",
    .m_doc = "The machines of libexochat as Python objects; _exochat-stubs is the manual.",
    .m_size = sizeof(exopy_state),
    .m_methods = module_functions,
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__exochat(void)
{
    return PyModuleDef_Init(&module_definition);
}
