/*
 * files.c: see files.h.
 */
#include "files.h"

#include "token.h"

/* ---- a file as a source ---- */

static int files_read(void *ctx, void *dst, size_t size, size_t *got)
{
    exopy_file *file = ctx;
    exopy_files *files = file->files;
    *got = 0;
    if (files->failed != EXO_OK) {
        return files->failed;
    }
    if (files->mailed != file || (files->mail_at == files->mail_len && !files->at_end)) {
        files->wanted = file;
        return EXO_AGAIN;
    }
    size_t left = files->mail_len - files->mail_at;
    *got = size < left ? size : left;
    memcpy(dst, files->mail + files->mail_at, *got);
    files->mail_at += *got;
    file->at += *got;
    return EXO_OK;
}

static int files_rewind(void *ctx)
{
    exopy_file *file = ctx;
    file->at = 0;
    file->files->mailed = NULL;
    return EXO_OK;
}

static int files_check(void *ctx)
{
    const exopy_file *file = ctx;
    return file->files->failed;
}

/* ---- the opener ---- */

/* 1 where that file has this path and type, 0 where not, a negative error for want of memory. */
static int files_is(const exopy_files *files, size_t index, exo_span path, exo_span media_type)
{
    const exopy_named_file *named = &files->tape->files[index];
    const char *type = named->media_type ? PyUnicode_AsUTF8AndSize(named->media_type, NULL) : "";
    PyObject *bytes = exopy_token_encode(named->path, 0, PyUnicode_GetLength(named->path));
    if (!bytes) {
        PyErr_Clear();
        return EXO_E_NO_MEMORY;
    }
    bool is = exo_span_is(media_type, type ? type : "") &&
              exo_span_equal(path, exo_span_of(PyBytes_AsString(bytes), (size_t)PyBytes_Size(bytes)));
    Py_DECREF(bytes);
    PyErr_Clear(); /* a type that is no text is none that is asked for */
    return is ? 1 : 0;
}

/* Stores the file of that name, or NULL. The encoder asks in the order of the request, walk after walk. */
static int files_find(exopy_files *files, exo_span path, exo_span media_type, exopy_file **found)
{
    size_t count = files->tape->file_count;
    *found = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t index = (files->expected + i) % count;
        int is = files_is(files, index, path, media_type);
        if (is < 0) {
            return is;
        }
        if (is > 0) {
            files->expected = index + 1;
            *found = &files->files[index];
            break;
        }
    }
    return EXO_OK;
}

static int files_open(void *ctx, exo_span path, exo_span media_type, exo_file *out)
{
    exopy_files *files = ctx;
    exopy_file *file;
    int code = files_find(files, path, media_type, &file);
    exo_span kept = exo_span_cut(path, EXO_PATH_MAX);
    memcpy(files->path, kept.ptr, kept.len);
    files->path[kept.len] = '\0';
    if (code < 0) {
        return code;
    }
    if (!file || !file->media_type) {
        return EXO_NOT_FOUND;
    }
    out->source = &file->source;
    out->media_type = exo_span_text(PyUnicode_AsUTF8AndSize(file->media_type, NULL));
    out->name = exo_span_of(PyBytes_AsString(file->name), (size_t)PyBytes_Size(file->name));
    return EXO_OK;
}

exo_file_opener exopy_files_opener(exopy_files *files)
{
    return (exo_file_opener){files, files_open};
}

/* ---- what Python does ---- */

bool exopy_files_init(exopy_files *files, const exopy_tape *tape)
{
    memset(files, 0, sizeof *files);
    files->tape = tape;
    files->files = PyMem_Calloc(tape->file_count + 1, sizeof *files->files);
    if (!files->files) {
        PyErr_NoMemory();
        return false;
    }
    for (size_t i = 0; i < tape->file_count; i++) {
        files->files[i].files = files;
    }
    return true;
}

bool exopy_files_open(exopy_files *files, size_t index, long long size, PyObject *media_type, PyObject *name)
{
    if (index >= files->tape->file_count || size < EXOPY_ONCE) {
        PyErr_SetString(PyExc_ValueError, "file(): no such file, or no such size");
        return false;
    }
    exopy_file *file = &files->files[index];
    PyObject *bytes = exopy_token_encode(name, 0, PyUnicode_GetLength(name));
    if (!bytes || !PyUnicode_AsUTF8AndSize(media_type, NULL)) {
        Py_XDECREF(bytes);
        return false;
    }
    exopy_set(&file->name, bytes);
    exopy_set(&file->media_type, Py_NewRef(media_type));
    file->source.ctx = file;
    file->source.read = files_read;
    file->source.rewind = size == EXOPY_ONCE ? NULL : files_rewind;
    file->source.check = files_check;
    file->source.size = size < 0 ? EXO_SIZE_UNKNOWN : (uint64_t)size;
    return true;
}

bool exopy_files_want(const exopy_files *files, size_t *index, uint64_t *offset)
{
    if (!files->wanted) {
        return false;
    }
    *index = (size_t)(files->wanted - files->files);
    *offset = files->wanted->at;
    return true;
}

void exopy_files_fill(exopy_files *files, exo_span bytes)
{
    if (!files->wanted) {
        return;
    }
    files->mail_len = bytes.len < EXOPY_MAIL ? bytes.len : EXOPY_MAIL;
    if (files->mail_len > 0) {
        memcpy(files->mail, bytes.ptr, files->mail_len);
    }
    files->mail_at = 0;
    files->at_end = files->mail_len == 0;
    files->mailed = files->wanted;
    files->wanted = NULL;
}

void exopy_files_fail(exopy_files *files, int code)
{
    files->failed = code;
    files->wanted = NULL;
}

void exopy_files_free(exopy_files *files)
{
    for (size_t i = 0; files->files && i < files->tape->file_count; i++) {
        Py_XDECREF(files->files[i].media_type);
        Py_XDECREF(files->files[i].name);
    }
    PyMem_Free(files->files);
    files->files = NULL;
}
