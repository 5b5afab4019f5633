/*
 * strings.c: see strings.h.
 */
#include "strings.h"

const char *exopy_strings_text(exopy_strings *strings, PyObject *object, const char *name)
{
    if (!PyUnicode_Check(object)) {
        PyErr_Format(PyExc_TypeError, "%s: str expected", name);
        return NULL;
    }
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(object, &size);
    if (!text) {
        return NULL;
    }
    if (strlen(text) != (size_t)size) {
        PyErr_Format(PyExc_ValueError, "%s: holds NUL", name);
        return NULL;
    }
    if (!strings->kept && !(strings->kept = PyList_New(0))) {
        return NULL;
    }
    return PyList_Append(strings->kept, object) == 0 ? text : NULL;
}

/* Memory for `count` elements that is freed with the strings. */
static void *strings_array(exopy_strings *strings, size_t count, size_t size)
{
    void *array = NULL;
    if (strings->array_count < (int)(sizeof strings->arrays / sizeof strings->arrays[0])) {
        array = PyMem_Calloc(count + 1, size);
    }
    if (!array) {
        return PyErr_NoMemory();
    }
    return strings->arrays[strings->array_count++] = array;
}

static PyObject *strings_sequence(PyObject *object, const char *name)
{
    if (!PyList_Check(object) && !PyTuple_Check(object)) {
        PyErr_Format(PyExc_TypeError, "%s: list or tuple expected", name);
        return NULL;
    }
    return PySequence_List(object);
}

bool exopy_strings_list(exopy_strings *strings, PyObject *object, const char *name, const char *const **out,
                        size_t *count)
{
    PyObject *list = strings_sequence(object, name);
    *count = list ? (size_t)PyList_Size(list) : 0;
    const char **texts = list ? strings_array(strings, *count, sizeof *texts) : NULL;
    bool gotten = texts != NULL;
    for (size_t i = 0; gotten && i < *count; i++) {
        texts[i] = exopy_strings_text(strings, PyList_GetItem(list, (Py_ssize_t)i), name);
        gotten = texts[i] != NULL;
    }
    Py_XDECREF(list);
    *out = texts;
    return gotten;
}

static bool strings_pair(exopy_strings *strings, PyObject *pair, const char *name, exo_header *out)
{
    if (!PyTuple_Check(pair) || PyTuple_Size(pair) != 2) {
        PyErr_Format(PyExc_TypeError, "%s: pairs of str expected", name);
        return false;
    }
    out->name = exopy_strings_text(strings, PyTuple_GetItem(pair, 0), name);
    out->value = out->name ? exopy_strings_text(strings, PyTuple_GetItem(pair, 1), name) : NULL;
    return out->value != NULL;
}

bool exopy_strings_pairs(exopy_strings *strings, PyObject *object, const char *name, const exo_header **out,
                         size_t *count)
{
    PyObject *list = PyDict_Check(object) ? PyDict_Items(object) : strings_sequence(object, name);
    *count = list ? (size_t)PyList_Size(list) : 0;
    exo_header *pairs = list ? strings_array(strings, *count, sizeof *pairs) : NULL;
    bool gotten = pairs != NULL;
    for (size_t i = 0; gotten && i < *count; i++) {
        gotten = strings_pair(strings, PyList_GetItem(list, (Py_ssize_t)i), name, &pairs[i]);
    }
    Py_XDECREF(list);
    *out = pairs;
    return gotten;
}

void exopy_strings_free(exopy_strings *strings)
{
    for (int i = 0; i < strings->array_count; i++) {
        PyMem_Free(strings->arrays[i]);
    }
    strings->array_count = 0;
    Py_CLEAR(strings->kept);
}
