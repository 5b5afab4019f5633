/*
 * options.c: see options.h. Runs no code of others: only a dict is taken or made, and ints, bools and strs are in it.
 */
#include "options.h"

#include <limits.h>

static bool option_wrong(const char *name, const char *what)
{
    PyErr_Format(PyExc_TypeError, "%s: %s expected", name, what);
    return false;
}

static bool option_int64(const char *name, PyObject *value, int64_t least, int64_t most, int64_t *out)
{
    if (!PyLong_Check(value)) {
        return option_wrong(name, "int");
    }
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (number == -1 && PyErr_Occurred()) {
        return false;
    }
    if (overflow != 0 || number < least || number > most) {
        PyErr_Format(PyExc_ValueError, "%s: out of range", name);
        return false;
    }
    *out = number;
    return true;
}

static bool option_text(const char *name, PyObject *value, const char **out)
{
    if (!PyUnicode_Check(value)) {
        return option_wrong(name, "str");
    }
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(value, &size);
    if (!text) {
        return false;
    }
    if (strlen(text) != (size_t)size) {
        PyErr_Format(PyExc_ValueError, "%s: holds NUL", name);
        return false;
    }
    *out = text;
    return true;
}

static bool option_until(const char *name, PyObject *value, exo_ttft_until *out)
{
    const char *word = "";
    if (!option_text(name, value, &word)) {
        return false;
    }
    if (strcmp(word, "event") != 0 && strcmp(word, "token") != 0) {
        PyErr_Format(PyExc_ValueError, "%s: \"event\" or \"token\" expected", name);
        return false;
    }
    *out = word[0] == 't' ? EXO_UNTIL_TOKEN : EXO_UNTIL_EVENT;
    return true;
}

static bool option_store(const exopy_option *option, PyObject *value, char *at)
{
    int64_t number = 0;
    switch (option->kind) {
    case EXOPY_BOOL:
        if (!PyBool_Check(value)) {
            return option_wrong(option->name, "bool");
        }
        *(bool *)(void *)at = value == Py_True;
        return true;
    case EXOPY_INT64:
        return option_int64(option->name, value, INT64_MIN, INT64_MAX, (int64_t *)(void *)at);
    case EXOPY_COUNT:
        if (!option_int64(option->name, value, 0, UINT32_MAX, &number)) {
            return false;
        }
        *(uint32_t *)(void *)at = (uint32_t)number;
        return true;
    case EXOPY_LONG:
        if (!option_int64(option->name, value, 0, LONG_MAX, &number)) {
            return false;
        }
        *(long *)(void *)at = (long)number;
        return true;
    case EXOPY_UNTIL:
        return option_until(option->name, value, (exo_ttft_until *)(void *)at);
    case EXOPY_TEXT:
        return option_text(option->name, value, (const char **)(void *)at);
    case EXOPY_OBJECT:
        *(PyObject **)(void *)at = value;
        return true;
    }
    return false;
}

static const exopy_option *option_find(const exopy_option *table, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return &table[i];
        }
    }
    PyErr_Format(PyExc_TypeError, "no such option: %.100s", name);
    return NULL;
}

bool exopy_options_read(PyObject *dict, const exopy_option *table, size_t count, void *out)
{
    if (dict == Py_None) {
        return true;
    }
    if (!PyDict_Check(dict)) {
        return option_wrong("options", "dict");
    }
    Py_ssize_t at = 0;
    PyObject *key;
    PyObject *value;
    while (PyDict_Next(dict, &at, &key, &value)) {
        const char *name = NULL;
        const exopy_option *option =
            option_text("an option's name", key, &name) ? option_find(table, count, name) : NULL;
        if (!option || (value != Py_None && !option_store(option, value, (char *)out + option->offset))) {
            return false;
        }
    }
    return true;
}

bool exopy_dict_set(PyObject *dict, const char *name, PyObject *value)
{
    bool set = value && PyDict_SetItemString(dict, name, value) == 0;
    Py_XDECREF(value);
    return set;
}

/* The value of a field. NULL, without an exception, where it is the same in `standard`, or an object. */
static PyObject *option_load(const exopy_option *option, const char *in, const char *standard)
{
    const void *at = in + option->offset;
    const void *usual = standard + option->offset;
    const char *text;
    switch (option->kind) {
    case EXOPY_BOOL:
        return *(const bool *)at == *(const bool *)usual ? NULL : PyBool_FromLong(*(const bool *)at);
    case EXOPY_INT64:
        return *(const int64_t *)at == *(const int64_t *)usual ? NULL : PyLong_FromLongLong(*(const int64_t *)at);
    case EXOPY_COUNT:
        return *(const uint32_t *)at == *(const uint32_t *)usual ? NULL
                                                                 : PyLong_FromUnsignedLong(*(const uint32_t *)at);
    case EXOPY_LONG:
        return *(const long *)at == *(const long *)usual ? NULL : PyLong_FromLong(*(const long *)at);
    case EXOPY_UNTIL:
        text = *(const exo_ttft_until *)at == EXO_UNTIL_TOKEN ? "token" : "event";
        return *(const exo_ttft_until *)at == *(const exo_ttft_until *)usual ? NULL : PyUnicode_FromString(text);
    case EXOPY_TEXT:
        text = *(const char *const *)at;
        return text ? exopy_str(exo_span_text(text)) : NULL;
    case EXOPY_OBJECT:
        break;
    }
    return NULL;
}

bool exopy_options_write(PyObject *dict, const exopy_option *table, size_t count, const void *in, const void *standard)
{
    for (size_t i = 0; i < count; i++) {
        PyObject *value = option_load(&table[i], in, standard);
        if (value ? !exopy_dict_set(dict, table[i].name, value) : PyErr_Occurred() != NULL) {
            return false;
        }
    }
    return true;
}

bool exopy_limits_read(PyObject *dict, exo_limits *limits)
{
    static const exopy_option table[] = {
#define EXO_X(name, host, micro, what) EXOPY_OPTION(exo_limits, name, EXOPY_COUNT),
        EXO_LIMIT_MAP(EXO_X)
#undef EXO_X
    };
    return exopy_options_read(dict, table, sizeof table / sizeof table[0], limits);
}

static const exopy_option policy_table[] = {
#define EXO_KIND(type)               _Generic((type)0, uint32_t : EXOPY_COUNT, default : EXOPY_INT64)
#define EXO_X(type, field, standard) EXOPY_OPTION(exo_route_policy, field, EXO_KIND(type)),
    EXO_ROUTE_POLICY_MAP(EXO_X)
#undef EXO_X
#undef EXO_KIND
};

bool exopy_policy_read(PyObject *dict, exo_route_policy *policy)
{
    return exopy_options_read(dict, policy_table, sizeof policy_table / sizeof policy_table[0], policy);
}

PyObject *exopy_policy_dict(const exo_route_policy *policy)
{
    static const exo_route_policy standard = EXO_ROUTE_POLICY_INIT;
    PyObject *dict = PyDict_New();
    size_t count = sizeof policy_table / sizeof policy_table[0];
    if (dict && !exopy_options_write(dict, policy_table, count, policy, &standard)) {
        Py_CLEAR(dict);
    }
    return dict;
}
