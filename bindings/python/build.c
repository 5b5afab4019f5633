/*
 * build.c: writes the tape of a Python value; see tape.h.
 *
 * The only place where code of the caller's may run: the methods of mappings that are no plain dict. So everything that
 * is looked at is held, and a list is asked for its length at each step. Errors say where: each level of nesting knows
 * the one above it. Memory: the tape, and one set of keys for an object whose keys may come twice.
 */
#include "tape.h"

#include "token.h"

/* Where a value is, as far as it matters: messages and their parts may name files. */
typedef enum build_place {
    BUILD_ELSEWHERE,
    BUILD_REQUEST,
    BUILD_MESSAGES, /* the list */
    BUILD_MESSAGE,
    BUILD_CONTENT, /* the list */
    BUILD_PART
} build_place;

/* The keys that say where files are named. */
#define BUILD_WORD_MAP(X) \
    X(MESSAGES, "messages") \
    X(CONTENT, "content") \
    X(CONTENT_FILE, "_content_file") \
    X(FILE, "_file") \
    X(TYPE, "_type")

typedef enum build_word {
    BUILD_WORD_UNKNOWN, /* not looked at yet */
    BUILD_WORD_OTHER,
#define EXO_X(word, text) BUILD_WORD_##word,
    BUILD_WORD_MAP(EXO_X)
#undef EXO_X
} build_word;

/* One level on the way from the value to where the building is: a member of an array or object. */
typedef struct build_level {
    const struct build_level *above;
    PyObject *key;    /* of an object: str, borrowed; NULL in an array */
    build_word word;  /* that it is */
    Py_ssize_t index; /* in an array */
    int depth;        /* arrays and objects around it */
} build_level;

/* A str that is remembered, by its address, to be ASCII; the tape holds it. */
typedef struct build_known {
    PyObject *text;
    build_word word;
} build_known;

/* How many are: keys and roles are the same few ones again and again. */
#define BUILD_KNOWN 32

typedef struct builder {
    exopy_tape *tape;
    exopy_state *state;
    const char *name;
    build_known known[BUILD_KNOWN];
    PyObject *part_path; /* what the part of content that is built says of its file; borrowed of the tape */
    PyObject *part_type;
} builder;

/* What became of an object: its keys may come to be the same, and have to be looked at from the first one on. */
typedef enum build_result {
    BUILD_FAILED,
    BUILD_DONE,
    BUILD_AGAIN
} build_result;

/* ---- errors that say where ---- */

static PyObject *build_path(const builder *b, const build_level *level)
{
    if (!level) {
        return PyUnicode_FromString(b->name);
    }
    PyObject *path = build_path(b, level->above);
    if (!path) {
        return NULL;
    }
    PyObject *longer = !level->key                      ? PyUnicode_FromFormat("%U[%zd]", path, level->index)
                       : PyUnicode_GetLength(path) == 0 ? Py_NewRef(level->key)
                                                        : PyUnicode_FromFormat("%U.%U", path, level->key);
    Py_DECREF(path);
    return longer;
}

/* Raises `type`; `what` ends in %.100s for `word`. */
static bool build_raise(const builder *b, const build_level *level, PyObject *type, const char *what, const char *word)
{
    PyObject *path = build_path(b, level);
    if (path) {
        PyObject *words = PyUnicode_FromFormat(what, word);
        if (words && PyUnicode_GetLength(path) > 0) {
            PyErr_Format(type, "%U: %U", path, words);
        } else if (words) {
            PyErr_SetObject(type, words);
        }
        Py_XDECREF(words);
        Py_DECREF(path);
    }
    return false;
}

static bool build_raise_type(const builder *b, const build_level *level, PyObject *value, const char *what)
{
    PyObject *name = PyType_GetName(Py_TYPE(value));
    const char *text = name ? PyUnicode_AsUTF8AndSize(name, NULL) : NULL;
    if (!text) {
        PyErr_Clear();
    }
    build_raise(b, level, PyExc_TypeError, what, text ? text : "this type");
    Py_XDECREF(name);
    return false;
}

/* ---- tokens ---- */

static bool build_append(builder *b, exopy_token token)
{
    exopy_tape *tape = b->tape;
    if (tape->count == tape->capacity) {
        size_t capacity = tape->capacity < 32 ? 32 : tape->capacity + tape->capacity / 2;
        exopy_token *tokens =
            capacity > PY_SSIZE_T_MAX / sizeof *tokens ? NULL : PyMem_Realloc(tape->tokens, capacity * sizeof *tokens);
        if (!tokens) {
            PyErr_NoMemory();
            return false;
        }
        tape->tokens = tokens;
        tape->capacity = capacity;
    }
    tape->tokens[tape->count++] = token;
    return true;
}

static bool build_plain(builder *b, exo_value_type type)
{
    return build_append(b, exopy_token_plain(type));
}

/* Takes over the reference to `object`. */
static bool build_object(builder *b, exopy_token_kind kind, PyObject *object)
{
    if (!object) {
        return false;
    }
    if (build_append(b, (exopy_token)object | (exopy_token)kind)) {
        return true;
    }
    Py_DECREF(object);
    return false;
}

/* Where a str is remembered, if it is. */
static build_known *build_known_at(builder *b, PyObject *text)
{
    return &b->known[((size_t)text / 16 ^ (size_t)text / 512) % BUILD_KNOWN];
}

/* 1 where a str is ASCII, 0 where not, -1 with an exception. */
static int build_is_ascii(builder *b, PyObject *text)
{
    build_known *known = build_known_at(b, text);
    if (known->text == text) {
        return 1;
    }
    PyObject *ascii =
        b->state->ascii ? b->state->ascii(text, NULL) : PyObject_CallFunctionObjArgs(b->state->is_ascii, text, NULL);
    int is = ascii ? ascii == Py_True : -1;
    Py_XDECREF(ascii);
    if (is > 0 && PyUnicode_CheckExact(text)) {
        *known = (build_known){text, BUILD_WORD_UNKNOWN};
    }
    return is;
}

static build_word build_read_word(PyObject *key)
{
    static const struct {
        build_word word;
        const char *text;
    } words[] = {
#define EXO_X(word, text) {BUILD_WORD_##word, text},
        BUILD_WORD_MAP(EXO_X)
#undef EXO_X
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (PyUnicode_CompareWithASCIIString(key, words[i].text) == 0) {
            return words[i].word;
        }
    }
    return BUILD_WORD_OTHER;
}

/* Which word a key is. */
static build_word build_word_of(builder *b, PyObject *key)
{
    build_known *known = build_known_at(b, key);
    if (known->text != key) {
        return build_read_word(key);
    }
    if (known->word == BUILD_WORD_UNKNOWN) {
        known->word = build_read_word(key);
    }
    return known->word;
}

static bool build_string(builder *b, PyObject *text)
{
    int ascii = build_is_ascii(b, text);
    return ascii >= 0 && build_object(b, ascii ? EXOPY_TOKEN_STRING : EXOPY_TOKEN_STRING_WIDE, Py_NewRef(text));
}

static bool build_int(builder *b, PyObject *number)
{
    int overflow;
    long long small = PyLong_AsLongLongAndOverflow(number, &overflow);
    if (small == -1 && PyErr_Occurred()) {
        return false;
    }
    return overflow == 0 ? build_object(b, EXOPY_TOKEN_INT, Py_NewRef(number))
                         : build_object(b, EXOPY_TOKEN_NUMBER, PyNumber_ToBase(number, 10));
}

static bool build_is_finite(PyObject *number)
{
    double value = PyFloat_AsDouble(number);
    return value - value == 0;
}

/* ---- keys ---- */

static PyObject *build_float_text(PyObject *number)
{
    char *text = PyOS_double_to_string(PyFloat_AsDouble(number), 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
    PyObject *key = text ? PyUnicode_FromString(text) : NULL;
    PyMem_Free(text);
    return key;
}

/* A key that is no str, as json.dumps writes it. */
static PyObject *build_key_of_other(const builder *b, const build_level *level, PyObject *key)
{
    if (key == Py_None) {
        return PyUnicode_FromString("null");
    }
    if (PyBool_Check(key)) {
        return PyUnicode_FromString(key == Py_True ? "true" : "false");
    }
    if (PyLong_Check(key)) {
        return PyNumber_ToBase(key, 10);
    }
    if (!PyFloat_Check(key)) {
        build_raise_type(b, level, key, "a key is of type %.100s, which JSON does not have");
    } else if (build_is_finite(key)) {
        return build_float_text(key);
    } else {
        build_raise(b, level, PyExc_ValueError, "a key is a number that JSON does not have%.100s", "");
    }
    return NULL;
}

/* A key as the str that is sent; a new reference. `*kind` is that of its token; `*other`: it is not the key itself. */
static PyObject *build_key(builder *b, const build_level *level, PyObject *key, exopy_token_kind *kind, bool *other)
{
    *kind = EXOPY_TOKEN_KEY;
    *other = true;
    if (!PyUnicode_Check(key)) {
        return build_key_of_other(b, level, key);
    }
    int ascii = build_is_ascii(b, key);
    if (ascii < 0) {
        return NULL;
    }
    if (ascii == 0) {
        *kind = EXOPY_TOKEN_KEY_WIDE;
        PyObject *bytes = PyUnicode_AsUTF8String(key);
        if (!bytes) {
            PyErr_Clear();
            bytes = exopy_token_encode(key, 0, PyUnicode_GetLength(key));
            PyObject *text = bytes ? PyUnicode_FromEncodedObject(bytes, "utf-8", "strict") : NULL;
            Py_XDECREF(bytes);
            return text;
        }
        Py_DECREF(bytes);
    }
    *other = false;
    return PyUnicode_FromObject(key);
}

static bool build_is_new_key(const builder *b, const build_level *above, PyObject *seen, PyObject *text)
{
    int there = PySet_Contains(seen, text);
    if (there > 0) {
        PyObject *bytes = PyUnicode_AsUTF8String(text);
        if (bytes) {
            build_raise(b, above, PyExc_ValueError, "the key \"%.100s\" comes twice", PyBytes_AsString(bytes));
            Py_DECREF(bytes);
        }
        return false;
    }
    return there == 0 && PySet_Add(seen, text) == 0;
}

/* ---- files ---- */

static bool build_note_file(exopy_tape *tape, PyObject *path, PyObject *media_type)
{
    exopy_named_file *files = PyMem_Realloc(tape->files, (tape->file_count + 1) * sizeof *files);
    if (!files) {
        PyErr_NoMemory();
        return false;
    }
    tape->files = files;
    files[tape->file_count++] = (exopy_named_file){Py_NewRef(path), Py_XNewRef(media_type)};
    return true;
}

/* A new reference to the value of a key that names a file: what is a path (os.PathLike) as a str. */
static PyObject *build_path_text(PyObject *value)
{
    if (value == Py_None || PyUnicode_Check(value) || PyLong_Check(value) || PyFloat_Check(value) ||
        PyDict_Check(value) || PyList_Check(value) || PyTuple_Check(value)) {
        return Py_NewRef(value); /* what is none of a path is the encoder's to refuse */
    }
    PyObject *path = PyOS_FSPath(value);
    if (path && PyBytes_Check(path)) {
        exopy_set(&path, PyUnicode_DecodeFSDefaultAndSize(PyBytes_AsString(path), PyBytes_Size(path)));
    }
    return path;
}

static build_place build_place_of_member(build_place place, build_word word)
{
    if (place == BUILD_REQUEST && word == BUILD_WORD_MESSAGES) {
        return BUILD_MESSAGES;
    }
    return place == BUILD_MESSAGE && word == BUILD_WORD_CONTENT ? BUILD_CONTENT : BUILD_ELSEWHERE;
}

static build_place build_place_of_item(build_place place)
{
    return place == BUILD_MESSAGES ? BUILD_MESSAGE : place == BUILD_CONTENT ? BUILD_PART : BUILD_ELSEWHERE;
}

/* ---- values ---- */

static bool build_value(builder *b, const build_level *level, build_place place, PyObject *value);

static bool build_names_file(build_place place, build_word word)
{
    return (place == BUILD_MESSAGE && word == BUILD_WORD_CONTENT_FILE) ||
           (place == BUILD_PART && word == BUILD_WORD_FILE);
}

/* The value of a member that names a file. */
static bool build_file(builder *b, const build_level *level, build_place place, PyObject *value)
{
    PyObject *path = build_path_text(value);
    bool built = path && build_value(b, level, BUILD_ELSEWHERE, path);
    if (built && PyUnicode_Check(path)) {
        if (place == BUILD_PART) {
            b->part_path = path;
        } else {
            built = build_note_file(b->tape, path, NULL);
        }
    }
    Py_XDECREF(path); /* the tape holds it */
    return built;
}

static bool build_member_value(builder *b, const build_level *level, build_place place, PyObject *value)
{
    if (build_names_file(place, level->word)) {
        return build_file(b, level, place, value);
    }
    if (place == BUILD_PART && level->word == BUILD_WORD_TYPE && PyUnicode_Check(value)) {
        b->part_type = value;
    }
    return build_value(b, level, build_place_of_member(place, level->word), value);
}

/* One member. `seen`: the keys so far, or NULL as long as none of them can come twice. */
static build_result build_member(builder *b, const build_level *above, build_place place, PyObject *seen, PyObject *key,
                                 PyObject *value)
{
    build_level level = {.above = above, .depth = above ? above->depth + 1 : 1};
    exopy_token_kind kind;
    bool other;
    PyObject *text = build_key(b, above, key, &kind, &other);
    if (!text) {
        return BUILD_FAILED;
    }
    if (other && !seen) {
        Py_DECREF(text);
        return BUILD_AGAIN;
    }
    level.key = text;
    level.word = place == BUILD_ELSEWHERE ? BUILD_WORD_OTHER : build_word_of(b, text);
    if (seen && !build_is_new_key(b, above, seen, text)) {
        Py_DECREF(text);
        return BUILD_FAILED;
    }
    return build_object(b, kind, text) && build_member_value(b, &level, place, value) ? BUILD_DONE : BUILD_FAILED;
}

/* The members of a plain dict. Values are held while they are built: code that runs then may change the dict, so that a
 * member comes twice; then there were more members than there are. */
static build_result build_dict(builder *b, const build_level *above, build_place place, PyObject *seen, PyObject *dict)
{
    Py_ssize_t at = 0;
    PyObject *key;
    PyObject *value;
    Py_ssize_t count = 0;
    build_result result = BUILD_DONE;
    for (; result == BUILD_DONE && PyDict_Next(dict, &at, &key, &value); count++) {
        if (!seen && !PyUnicode_CheckExact(key)) {
            return BUILD_AGAIN;
        }
        Py_INCREF(key);
        Py_INCREF(value);
        result = build_member(b, above, place, seen, key, value);
        Py_DECREF(key);
        Py_DECREF(value);
    }
    if (result == BUILD_DONE && count > PyDict_Size(dict)) {
        build_raise(b, above, PyExc_RuntimeError, "a dict was changed while it was read%.100s", "");
        result = BUILD_FAILED;
    }
    return result;
}

/* The members of another mapping, as its items() says. */
static build_result build_mapping(builder *b, const build_level *above, build_place place, PyObject *seen,
                                  PyObject *mapping)
{
    PyObject *items = PyMapping_Items(mapping);
    build_result result = items ? BUILD_DONE : BUILD_FAILED;
    for (Py_ssize_t i = 0; result == BUILD_DONE && i < PyList_Size(items); i++) {
        PyObject *pair = PyList_GetItem(items, i);
        if (!PyTuple_Check(pair) || PyTuple_Size(pair) != 2) {
            build_raise(b, above, PyExc_TypeError, "items() of a mapping gives what is no pair%.100s", "");
            result = BUILD_FAILED;
        } else {
            result = build_member(b, above, place, seen, PyTuple_GetItem(pair, 0), PyTuple_GetItem(pair, 1));
        }
    }
    Py_XDECREF(items);
    return result;
}

/* Takes back what was written since there were so many tokens and files. */
static void build_cut(builder *b, size_t count, size_t file_count)
{
    exopy_tape *tape = b->tape;
    memset(b->known, 0, sizeof b->known);
    while (tape->count > count) {
        Py_XDECREF(exopy_token_object(tape->tokens[--tape->count]));
    }
    while (tape->file_count > file_count) {
        exopy_named_file *file = &tape->files[--tape->file_count];
        Py_DECREF(file->path);
        Py_XDECREF(file->media_type);
    }
}

static void build_forget_part(builder *b, build_place place)
{
    if (place == BUILD_PART) {
        b->part_path = NULL;
        b->part_type = NULL;
    }
}

static bool build_members(builder *b, const build_level *above, build_place place, PyObject *value)
{
    size_t count = b->tape->count;
    size_t file_count = b->tape->file_count;
    bool plain = PyDict_CheckExact(value);
    build_result result = plain ? build_dict(b, above, place, NULL, value) : BUILD_AGAIN;
    if (result == BUILD_AGAIN) {
        build_cut(b, count, file_count);
        build_forget_part(b, place);
        PyObject *seen = PySet_New(NULL);
        result = !seen   ? BUILD_FAILED
                 : plain ? build_dict(b, above, place, seen, value)
                         : build_mapping(b, above, place, seen, value);
        Py_XDECREF(seen);
    }
    return result == BUILD_DONE;
}

static bool build_array(builder *b, const build_level *above, build_place place, PyObject *value)
{
    bool list = PyList_Check(value);
    build_level level = {.above = above, .depth = above ? above->depth + 1 : 1};
    bool built = build_plain(b, EXO_VALUE_ARRAY);
    for (; built && level.index < (list ? PyList_Size(value) : PyTuple_Size(value)); level.index++) {
        PyObject *item = list ? PyList_GetItem(value, level.index) : PyTuple_GetItem(value, level.index);
        Py_INCREF(item);
        built = build_value(b, &level, build_place_of_item(place), item);
        Py_DECREF(item);
    }
    return built && build_plain(b, EXO_VALUE_END);
}

static bool build_mapped(builder *b, const build_level *above, build_place place, PyObject *value)
{
    build_forget_part(b, place);
    return build_plain(b, EXO_VALUE_OBJECT) && build_members(b, above, place, value) && build_plain(b, EXO_VALUE_END) &&
           (place != BUILD_PART || !b->part_path || build_note_file(b->tape, b->part_path, b->part_type));
}

/* Whether no more arrays and objects may be opened here. */
static bool build_is_deep(const builder *b, const build_level *level)
{
    if (!level || level->depth < EXO_JSON_DEPTH_MAX) {
        return false;
    }
    _Static_assert(EXO_JSON_DEPTH_MAX == 64, "the words below");
    return !build_raise(b, level, PyExc_ValueError, "nested deeper than 64 levels%.100s", "");
}

static bool build_value(builder *b, const build_level *level, build_place place, PyObject *value)
{
    if (PyUnicode_Check(value)) {
        return build_string(b, value);
    }
    if (value == Py_None || PyBool_Check(value)) {
        return build_plain(b, value == Py_None ? EXO_VALUE_NULL : value == Py_True ? EXO_VALUE_TRUE : EXO_VALUE_FALSE);
    }
    if (PyLong_Check(value)) {
        return build_int(b, value);
    }
    if (PyFloat_Check(value)) {
        return build_is_finite(value) ? build_object(b, EXOPY_TOKEN_FLOAT, Py_NewRef(value))
                                      : build_raise(b, level, PyExc_ValueError,
                                                    "a number that JSON does not have: NaN or infinity%.100s", "");
    }
    bool array = PyList_Check(value) || PyTuple_Check(value);
    int mapping = array ? 0 : PyDict_Check(value) ? 1 : PyObject_IsInstance(value, b->state->mapping);
    if (mapping < 0 || ((array || mapping) && build_is_deep(b, level))) {
        return false;
    }
    if (array) {
        return build_array(b, level, place, value);
    }
    return mapping ? build_mapped(b, level, place, value)
                   : build_raise_type(b, level, value, "of type %.100s, which JSON does not have");
}

bool exopy_tape_build(exopy_tape *tape, exopy_state *state, PyObject *value, const char *name)
{
    builder b = {.tape = tape, .state = state, .name = name};
    memset(tape, 0, sizeof *tape);
    if (!build_value(&b, NULL, name[0] ? BUILD_ELSEWHERE : BUILD_REQUEST, value)) {
        return false;
    }
    exopy_token *fitting = PyMem_Realloc(tape->tokens, tape->count * sizeof *fitting);
    if (fitting) {
        tape->tokens = fitting;
        tape->capacity = tape->count;
    }
    return true;
}
