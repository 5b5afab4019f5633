/*
 * encoder.c: Encoder: the tape of a request, and exo_encoder over it for one deployment after another.
 *
 * Memory: the tape of the request, that of extra_body, the names of the files. What Python fills in is held, not
 * copied.
 */
#include "tape.h"

/* A file that the request names. */
typedef struct encoder_file {
    struct encoder_object *encoder;
    mp_obj_t media_type; /* MP_OBJ_NULL: it is not open */
    mp_obj_t name;
    uint64_t at; /* how much of it was handed out */
    exo_source source;
} encoder_file;

/* What is small stands first, where short instructions reach it. */
typedef struct encoder_object {
    exomp_object object;
    bool aimed;
    bool sized;
    bool written;  /* all of the body */
    bool at_end;   /* what was filled in is the end of the file */
    bool listing;  /* open() notes the names of files */
    bool too_many; /* of them for the heap */
    int failed;    /* what fail() said */
    uint32_t file_count;
    encoder_file *files;
    encoder_file *wanted; /* whose bytes are asked for */
    encoder_file *filled; /* whose bytes are there: mail.len of them from mail.ptr on, less mail_at */
    exomp_held mail;
    size_t mail_len;
    size_t mail_at;
    exo_span *drop; /* texts are those of str objects, whose memory is found by its beginning */
    exo_rename *rename;
    uint64_t sent;    /* bytes of the body handed out since the last rewind */
    exo_buffer names; /* path, NUL, media type, NUL, of each file */
    exo_file_opener opener;
    exo_source nothing; /* what files are while their names are noted */
    exo_encoder encoder;
    exo_limits limits;
    exomp_tape tape;
    exomp_tape extra;
} encoder_object;

/* ---- a file as a source: the core asks, Python fills in between two calls ---- */

static int encoder_file_read(void *ctx, void *dst, size_t size, size_t *got)
{
    encoder_file *file = ctx;
    encoder_object *self = file->encoder;
    *got = 0;
    if (self->failed != EXO_OK) {
        return self->failed;
    }
    if (self->filled != file || (self->mail_at == self->mail_len && !self->at_end)) {
        self->wanted = file;
        return EXO_AGAIN;
    }
    const size_t left = self->mail_len - self->mail_at;
    size = size < left ? size : left;
    if (size > 0) {
        memcpy(dst, self->mail.whole.ptr + self->mail_at, size);
    }
    self->mail_at += size;
    file->at += size;
    *got = size;
    return EXO_OK;
}

static int encoder_file_rewind(void *ctx)
{
    encoder_file *file = ctx;
    file->at = 0;
    file->encoder->filled = NULL;
    return EXO_OK;
}

static int encoder_file_check(void *ctx)
{
    const encoder_file *file = ctx;
    return file->encoder->failed;
}

static int encoder_nothing_read(void *ctx, void *dst, size_t size, size_t *got)
{
    (void)ctx;
    (void)dst;
    (void)size;
    *got = 0;
    return EXO_OK;
}

static int encoder_nothing_rewind(void *ctx)
{
    (void)ctx;
    return EXO_OK;
}

/* The names of files stand one behind the other. */
static const char *encoder_next_name(const char *name)
{
    return name + strlen(name) + 1;
}

/* The number of the file; file_count where it is not among them. */
static uint32_t encoder_find(const encoder_object *self, const exo_span *path, const exo_span *media_type)
{
    const char *name = self->names.data;
    uint32_t i = 0;
    while (i < self->file_count) {
        const bool same = exo_span_is(*path, name);
        name = encoder_next_name(name);
        if (same && exo_span_is(*media_type, name)) {
            break;
        }
        name = encoder_next_name(name);
        i++;
    }
    return i;
}

/* Notes a name of one more file. */
static void encoder_list(encoder_object *self, const exo_span *name)
{
    if (exo_buffer_append(&self->names, *name) || exo_buffer_append(&self->names, exo_span_of("", 1))) {
        self->too_many = true;
    }
}

static int encoder_open(void *ctx, exo_span path, exo_span media_type, exo_file *out)
{
    encoder_object *self = ctx;
    const uint32_t index = encoder_find(self, &path, &media_type);
    if (self->listing) {
        if (index == self->file_count) {
            encoder_list(self, &path);
            encoder_list(self, &media_type);
            self->file_count++;
        }
        out->source = &self->nothing;
        out->media_type = exo_span_text("text/plain");
        out->name = out->media_type;
        return self->too_many ? EXO_E_NO_MEMORY : EXO_OK;
    }
    if (index == self->file_count || self->files[index].media_type == MP_OBJ_NULL) {
        return EXO_NOT_FOUND;
    }
    const encoder_file *file = &self->files[index];
    out->source = &file->source;
    exomp_bytes(file->media_type, &out->media_type);
    exomp_bytes(file->name, &out->name);
    return EXO_OK;
}

/* ---- making it ---- */

static void encoder_arm(encoder_object *self, exo_encode_options *options)
{
    options->opener = &self->opener;
    options->limits = &self->limits;
    exomp_check(exo_encode_init(&self->encoder, &self->tape.cursor, options));
}

/* Walks the request once, to see which files it names. Whatever is wrong with it, sizing will say. */
static void encoder_list_files(encoder_object *self)
{
    exo_encode_options options = EXO_ENCODE_OPTIONS_INIT;
    exomp_limits(MP_OBJ_NULL, &self->limits);
    self->nothing.read = encoder_nothing_read;
    self->nothing.rewind = encoder_nothing_rewind;
    encoder_arm(self, &options);
    self->listing = true;
    while (exo_encode_size(&self->encoder, SIZE_MAX) == EXO_AGAIN) {
    }
    self->listing = false;
    exomp_check(self->too_many ? EXO_E_NO_MEMORY : EXO_OK);
    self->files = exomp_array(self->file_count, sizeof *self->files);
}

static mp_obj_t encoder_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args)
{
    (void)type;
    mp_arg_check_num(n_args, n_kw, 1, 1, false);
    encoder_object *self = exomp_new(sizeof *self, &exomp_encoder_type);
    self->opener = (exo_file_opener){self, encoder_open};
    exomp_buffer(&self->names);
    exomp_tape_build(&self->tape, args[0], "");
    if (self->tape.names_files) {
        encoder_list_files(self);
    }
    return MP_OBJ_FROM_PTR(self);
}

/* ---- options ---- */

typedef struct encoder_options {
    mp_obj_t model;
    mp_obj_t drop;
    mp_obj_t rename;
    mp_obj_t extra_body;
    mp_obj_t limits;
    bool as_is;
} encoder_options;

static void encoder_set_drop(encoder_object *self, mp_obj_t drop, exo_encode_options *options)
{
    size_t count;
    mp_obj_t *items;
    mp_obj_get_array(drop, &count, &items);
    self->drop = exomp_array(count, sizeof *self->drop);
    for (size_t i = 0; i < count; i++) {
        exomp_text(items[i], &self->drop[i]);
    }
    options->drop = self->drop;
    options->drop_count = count;
}

static void encoder_set_rename(encoder_object *self, mp_obj_t rename, exo_encode_options *options)
{
    if (!exomp_is_dict(rename)) {
        EXOMP_TYPE_ERROR("rename");
    }
    const mp_map_t *map = mp_obj_dict_get_map(rename);
    self->rename = exomp_array(map->used, sizeof *self->rename);
    exo_rename *pair = self->rename;
    for (size_t i = 0; i < map->alloc; i++) {
        if (mp_map_slot_is_filled(map, i)) {
            exomp_text(map->table[i].key, &pair->from);
            exomp_text(map->table[i].value, &pair->to);
            pair++;
        }
    }
    options->rename = self->rename;
    options->rename_count = map->used;
}

static mp_int_t encoder_aim(void *object, const exomp_args *args)
{
    static const exomp_field table[] = {
        EXOMP_FIELD(encoder_options, model, EXOMP_OBJECT),  EXOMP_FIELD(encoder_options, drop, EXOMP_OBJECT),
        EXOMP_FIELD(encoder_options, rename, EXOMP_OBJECT), EXOMP_FIELD(encoder_options, extra_body, EXOMP_OBJECT),
        EXOMP_FIELD(encoder_options, limits, EXOMP_OBJECT), EXOMP_FIELD(encoder_options, as_is, EXOMP_BOOL),
    };
    encoder_object *self = object;
    encoder_options said;
    exo_encode_options options = EXO_ENCODE_OPTIONS_INIT;
    memset(&said, 0, sizeof said);
    exomp_fields_set(args->object[0], table, EXOMP_ROWS(table), &said);
    self->aimed = false;
    self->sized = false;
    self->written = false;
    self->sent = 0;
    self->wanted = NULL;
    self->filled = NULL;
    exomp_limits(said.limits, &self->limits);
    if (said.model != MP_OBJ_NULL) {
        exomp_text(said.model, &options.model);
    }
    if (said.drop != MP_OBJ_NULL) {
        encoder_set_drop(self, said.drop, &options);
    }
    if (said.rename != MP_OBJ_NULL) {
        encoder_set_rename(self, said.rename, &options);
    }
    if (said.extra_body != MP_OBJ_NULL) {
        memset(&self->extra, 0, sizeof self->extra);
        exomp_tape_build(&self->extra, said.extra_body, "extra_body");
        options.extra_body = &self->extra.cursor;
    }
    options.as_is = said.as_is;
    encoder_arm(self, &options);
    self->aimed = true;
    return EXO_OK;
}

/* ---- files ---- */

static mp_obj_t encoder_files(void *object, const exomp_args *args)
{
    const encoder_object *self = object;
    (void)args;
    mp_obj_t list = mp_obj_new_list(0, NULL);
    const char *name = self->names.data;
    for (uint32_t i = 0; i < self->file_count; i++) {
        const char *media_type = encoder_next_name(name);
        mp_obj_t pair[] = {exomp_word(name), *media_type ? exomp_word(media_type) : mp_const_none};
        mp_obj_list_append(list, mp_obj_new_tuple(2, pair));
        name = encoder_next_name(media_type);
    }
    return list;
}

static void encoder_set_file(void *object, const exomp_args *args)
{
    encoder_object *self = object;
    const mp_int_t size = args->number[1];
    const uint32_t index = exomp_count(args->number[0], UINT32_MAX);
    if (index >= self->file_count) {
        EXOMP_VALUE_ERROR("no file");
    }
    exo_span text;
    exomp_text(args->object[0], &text);
    exomp_text(args->object[1], &text);
    encoder_file *file = &self->files[index];
    file->encoder = self;
    file->media_type = args->object[0];
    file->name = args->object[1];
    file->source.ctx = file;
    file->source.read = encoder_file_read;
    file->source.rewind = size == -2 ? NULL : encoder_file_rewind;
    file->source.check = encoder_file_check;
    file->source.size = size < 0 ? EXO_SIZE_UNKNOWN : (uint64_t)size;
}

static mp_obj_t encoder_want(void *object, const exomp_args *args)
{
    const encoder_object *self = object;
    (void)args;
    if (!self->wanted) {
        return mp_const_none;
    }
    mp_obj_t pair[] = {MP_OBJ_NEW_SMALL_INT(self->wanted - self->files), exomp_int((int64_t)self->wanted->at)};
    return mp_obj_new_tuple(2, pair);
}

static void encoder_fill(void *object, const exomp_args *args)
{
    encoder_object *self = object;
    exomp_held mail = {MP_OBJ_NULL, {NULL, 0}};
    exo_span bytes;
    exomp_hold(&mail, args, &bytes);
    if (self->wanted) {
        self->mail = mail;
        self->mail_len = bytes.len;
        self->mail_at = 0;
        self->at_end = bytes.len == 0;
        self->filled = self->wanted;
        self->wanted = NULL;
    }
}

static void encoder_fail(void *object, const exomp_args *args)
{
    encoder_object *self = object;
    self->failed = (int)args->number[0];
    self->wanted = NULL;
}

/* ---- the body ---- */

/* Raises where a call is out of order. */
static void encoder_check(const encoder_object *self, bool ready)
{
    if (!ready) {
        EXOMP_VALUE_ERROR("size() first");
    }
    exomp_held_check(&self->mail);
}

static mp_int_t encoder_size(void *object, const exomp_args *args)
{
    encoder_object *self = object;
    encoder_check(self, self->aimed);
    const size_t bytes = exomp_count(args->number[0], UINT32_MAX);
    const int code = self->sized ? EXO_OK : exo_encode_size(&self->encoder, bytes);
    self->sized = code == EXO_OK;
    return code;
}

static mp_obj_t encoder_total(void *object, const exomp_args *args)
{
    const encoder_object *self = object;
    (void)args;
    encoder_check(self, self->sized);
    return exomp_int((int64_t)exo_encode_total(&self->encoder)); /* EXO_SIZE_UNKNOWN is -1 */
}

static mp_int_t encoder_write(void *object, const exomp_args *args)
{
    encoder_object *self = object;
    encoder_check(self, self->sized);
    exo_window window;
    exomp_window(args, &window);
    const int code = self->written ? EXO_OK : exo_encode_write(&self->encoder, &window);
    self->written = code == EXO_OK;
    self->sent += window.pos;
    return code < 0 ? code : (mp_int_t)window.pos;
}

static bool encoder_done(void *object, const exomp_args *args)
{
    const encoder_object *self = object;
    (void)args;
    return self->written;
}

static mp_obj_t encoder_written(void *object, const exomp_args *args)
{
    const encoder_object *self = object;
    (void)args;
    return exomp_int((int64_t)self->sent);
}

static bool encoder_spent(void *object, const exomp_args *args)
{
    const encoder_object *self = object;
    (void)args;
    return self->sent > 0 && exo_encode_total(&self->encoder) == EXO_SIZE_UNKNOWN;
}

static mp_int_t encoder_rewind(void *object, const exomp_args *args)
{
    encoder_object *self = object;
    (void)args;
    encoder_check(self, self->sized);
    const int code = self->sent > 0 ? exo_encode_rewind(&self->encoder) : EXO_OK;
    if (code == EXO_OK) {
        self->written = false;
        self->sent = 0;
    }
    self->wanted = NULL;
    self->filled = NULL;
    return code;
}

static mp_obj_t encoder_message(void *object, const exomp_args *args)
{
    const encoder_object *self = object;
    (void)args;
    return exomp_word(self->aimed ? exo_encode_error_key(&self->encoder) : "");
}

static void encoder_close(void *object, const exomp_args *args)
{
    encoder_object *self = object;
    const exomp_object head = self->object;
    (void)args;
    exo_buffer_free(&self->tape.kinds);
    exo_buffer_free(&self->tape.objects);
    exo_buffer_free(&self->extra.kinds);
    exo_buffer_free(&self->extra.objects);
    memset(self, 0, sizeof *self);
    self->object = head;
}

static void encoder_attr(mp_obj_t self, qstr name, mp_obj_t *dest)
{
    static const exomp_method methods[] = {
        EXOMP_METHOD(files, encoder_files, OBJECT, NONE, NONE, NONE, NONE),
        EXOMP_METHOD(file, encoder_set_file, NONE, NUMBER, NUMBER, OBJECT, OBJECT),
        EXOMP_METHOD(aim, encoder_aim, NUMBER, OBJECT, NONE, NONE, NONE),
        EXOMP_METHOD(size, encoder_size, NUMBER, NUMBER, NONE, NONE, NONE),
        EXOMP_METHOD(total, encoder_total, OBJECT, NONE, NONE, NONE, NONE),
        EXOMP_METHOD(write, encoder_write, NUMBER, OBJECT, START, END, NONE),
        EXOMP_METHOD(done, encoder_done, FLAG, NONE, NONE, NONE, NONE),
        EXOMP_METHOD(written, encoder_written, OBJECT, NONE, NONE, NONE, NONE),
        EXOMP_METHOD(spent, encoder_spent, FLAG, NONE, NONE, NONE, NONE),
        EXOMP_METHOD(rewind, encoder_rewind, NUMBER, NONE, NONE, NONE, NONE),
        EXOMP_METHOD(want, encoder_want, OBJECT, NONE, NONE, NONE, NONE),
        EXOMP_METHOD(fill, encoder_fill, NONE, OBJECT, END, NONE, NONE),
        EXOMP_METHOD(fail, encoder_fail, NONE, NUMBER, NONE, NONE, NONE),
        EXOMP_METHOD(message, encoder_message, OBJECT, NONE, NONE, NONE, NONE),
        EXOMP_METHOD(close, encoder_close, NONE, NONE, NONE, NONE, NONE),
    };
    exomp_method_find(methods, EXOMP_ROWS(methods), self, name, dest);
}

EXOMP_TYPE_NEW_ATTR(encoder, MP_QSTR_Encoder, encoder_make_new, encoder_attr)
