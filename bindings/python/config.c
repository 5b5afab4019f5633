/*
 * config.c: config(): what a configuration file says, as the command reads it, as a dict.
 *
 * Without libyaml the library reads none, which is then what config() says. Memory: what the library bounds.
 */
#include "client.h"

#include "options.h"

#ifdef EXOPY_CONFIG

#include "exochat/config.h"

typedef const char *(*config_list)(const exo_config *config, const char *model, size_t index);

static PyObject *config_names(const exo_config *config, const char *model, config_list list)
{
    PyObject *names = PyList_New(0);
    const char *name;
    for (size_t i = 0; names && (name = list(config, model, i)); i++) {
        PyObject *text = exopy_str(exo_span_text(name));
        if (!text || PyList_Append(names, text) < 0) {
            Py_CLEAR(names);
        }
        Py_XDECREF(text);
    }
    return names;
}

/* One of `models`. */
static PyObject *config_entry(const exo_config *config, const char *model)
{
    PyObject *entry = PyDict_New();
    bool made = entry &&
                exopy_dict_set(entry, "deployment", exopy_deployment_dict(exo_config_deployment(config, model))) &&
                exopy_dict_set(entry, "fallbacks", config_names(config, model, exo_config_fallback)) &&
                exopy_dict_set(entry, "context_fallbacks", config_names(config, model, exo_config_context_fallback)) &&
                exopy_dict_set(entry, "policy", exopy_policy_dict(exo_config_policy(config, model)));
    if (!made) {
        Py_CLEAR(entry);
    }
    return entry;
}

static PyObject *config_entries(const exo_config *config)
{
    PyObject *models = PyDict_New();
    const char *model;
    for (size_t i = 0; models && (model = exo_config_model(config, i)); i++) {
        if (!exopy_dict_set(models, model, config_entry(config, model))) {
            Py_CLEAR(models);
        }
    }
    return models;
}

static PyObject *config_dict(const exo_config *config)
{
    exo_call_options options = EXO_CALL_OPTIONS_INIT;
    exo_config_call_options(config, &options);
    PyObject *dict = PyDict_New();
    bool made =
        dict &&
        exopy_dict_set(dict, "default_model", exopy_str_or_none(exo_span_text(exo_config_default_model(config)))) &&
        exopy_dict_set(dict, "total_timeout", PyLong_FromLongLong(options.total_timeout)) &&
        exopy_dict_set(dict, "restart", PyBool_FromLong(options.restart)) &&
        exopy_dict_set(dict, "models", config_entries(config));
    if (!made) {
        Py_CLEAR(dict);
    }
    return dict;
}

PyObject *exopy_config(PyObject *module, PyObject *path)
{
    PyObject *name;
    char message[512] = "";
    (void)module;
    if (!PyUnicode_FSConverter(path, (void *)&name)) {
        return NULL;
    }
    exo_config *config = exo_config_load(PyBytes_AsString(name), NULL, NULL, message, sizeof message);
    Py_DECREF(name);
    if (!config) {
        PyObject *words = exopy_str(exo_span_text(message));
        if (words) {
            PyErr_SetObject(PyExc_ValueError, words);
            Py_DECREF(words);
        }
        return NULL;
    }
    PyObject *dict = config_dict(config);
    exo_config_free(config);
    return dict;
}

#else

PyObject *exopy_config(PyObject *module, PyObject *path)
{
    (void)module;
    (void)path;
    PyErr_SetString(PyExc_RuntimeError, "_exochat was built without libyaml and reads no configuration files: install "
                                        "its headers (on Debian: apt-get install libyaml-dev pkg-config) and the "
                                        "package anew (pip install --force-reinstall --no-cache-dir)");
    return NULL;
}

#endif
