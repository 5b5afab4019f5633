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

typedef struct encoder_object {
    mp_obj_base_t base;
    bool aimed;
    bool sized;
    bool written;  /* all of the body */
    bool at_end;   /* what was filled in is the end of the file */
    bool listing;  /* open() notes the names of files */
    bool too_many; /* of them for the heap */
    int failed;    /* what fail() said */
    uint64_t sent; /* bytes of the body handed out since the last rewind */
    exomp_tape tape;
    exomp_tape extra;
    exo_buffer names; /* path, NUL, media type, NUL, of each file */
    uint32_t file_count;
    encoder_file *files;
    encoder_file *wanted; /* whose bytes are asked for */
    encoder_file *filled; /* whose bytes are there: mail.len of them from mail.ptr on, less mail_at */
    exomp_held mail;
    size_t mail_len;
    size_t mail_at;
    exo_span *drop; /* texts are those of str objects, whose memory is found by its beginning */
    exo_rename *rename;
    exo_cursor cursor;
    exo_cursor extra_cursor;
    exo_file_opener opener;
    exo_source nothing; /* what files are while their names are noted */
    exo_limits limits;
    exo_encoder encoder;
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
    *got = size < left ? size : left;
    if (*got > 0) {
        memcpy(dst, self->mail.ptr + self->mail_at, *got);
    }
    self->mail_at += *got;
    file->at += *got;
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

/* The name number `index`, path or media type: they stand one behind the other. */
static exo_span encoder_name(const encoder_object *self, uint32_t index)
{
    const char *at = self->names.data;
    while (index-- > 0) {
        at += strlen(at) + 1;
    }
    return exo_span_text(at);
}

/* The number of the file; file_count, and it is noted, where it is not among them, if it is to be listed. */
static uint32_t encoder_find(encoder_object *self, exo_span path, exo_span media_type)
{
    uint32_t i = 0;
    while (i < self->file_count && !(exo_span_equal(path, encoder_name(self, 2 * i)) &&
                                     exo_span_equal(media_type, encoder_name(self, 2 * i + 1)))) {
        i++;
    }
    for (unsigned part = 0; part < 2 && self->listing && i == self->file_count; part++) {
        self->too_many |= exo_buffer_append(&self->names, part == 0 ? path : media_type) ||
                          exo_buffer_append(&self->names, exo_span_of("", 1));
    }
    self->file_count += self->listing && i == self->file_count;
    return i;
}

static int encoder_open(void *ctx, exo_span path, exo_span media_type, exo_file *out)
{
    encoder_object *self = ctx;
    const uint32_t index = encoder_find(self, path, media_type);
    if (self->listing) {
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
    out->media_type = exomp_bytes(file->media_type);
    out->name = exomp_bytes(file->name);
    return EXO_OK;
}

/* ---- making it ---- */

static void encoder_arm(encoder_object *self, exo_encode_options *options)
{
    self->cursor = exomp_tape_cursor(&self->tape);
    self->opener = (exo_file_opener){self, encoder_open};
    options->opener = &self->opener;
    options->limits = &self->limits;
    exomp_check(exo_encode_init(&self->encoder, &self->cursor, options));
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
    const size_t size = self->file_count * sizeof *self->files;
    self->files = m_malloc(size);
    memset(self->files, 0, size);
}

static mp_obj_t encoder_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args)
{
    (void)type;
    mp_arg_check_num(n_args, n_kw, 1, 1, false);
    encoder_object *self = exomp_new(sizeof *self, &exomp_encoder_type);
    exo_buffer_init(&self->names, &exomp_heap, UINT32_MAX, EXO_E_NO_MEMORY);
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
    self->drop = m_malloc((count + 1) * sizeof *self->drop);
    for (size_t i = 0; i < count; i++) {
        self->drop[i] = exomp_text(items[i]);
    }
    options->drop = self->drop;
    options->drop_count = count;
}

static void encoder_set_rename(encoder_object *self, mp_obj_t rename, exo_encode_options *options)
{
    if (!exomp_is_dict(rename)) {
        mp_raise_TypeError(MP_ERROR_TEXT("rename"));
    }
    const mp_map_t *map = mp_obj_dict_get_map(rename);
    self->rename = m_malloc((map->used + 1) * sizeof *self->rename);
    for (size_t i = 0; i < map->alloc; i++) {
        if (mp_map_slot_is_filled(map, i)) {
            exo_rename *pair = &self->rename[options->rename_count++];
            pair->from = exomp_text(map->table[i].key);
            pair->to = exomp_text(map->table[i].value);
        }
    }
    options->rename = self->rename;
}

static mp_obj_t encoder_aim(mp_obj_t object, mp_obj_t dict)
{
    static const exomp_field table[] = {
        EXOMP_FIELD(encoder_options, model, EXOMP_OBJECT),  EXOMP_FIELD(encoder_options, drop, EXOMP_OBJECT),
        EXOMP_FIELD(encoder_options, rename, EXOMP_OBJECT), EXOMP_FIELD(encoder_options, extra_body, EXOMP_OBJECT),
        EXOMP_FIELD(encoder_options, limits, EXOMP_OBJECT), EXOMP_FIELD(encoder_options, as_is, EXOMP_BOOL),
    };
    encoder_object *self = MP_OBJ_TO_PTR(object);
    encoder_options said;
    exo_encode_options options = EXO_ENCODE_OPTIONS_INIT;
    memset(&said, 0, sizeof said);
    exomp_fields_set(dict, table, EXOMP_ROWS(table), &said);
    self->aimed = false;
    self->sized = false;
    self->written = false;
    self->sent = 0;
    self->wanted = NULL;
    self->filled = NULL;
    exomp_limits(said.limits, &self->limits);
    if (said.model != MP_OBJ_NULL) {
        options.model = exomp_text(said.model);
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
        self->extra_cursor = exomp_tape_cursor(&self->extra);
        options.extra_body = &self->extra_cursor;
    }
    options.as_is = said.as_is;
    encoder_arm(self, &options);
    self->aimed = true;
    return MP_OBJ_NEW_SMALL_INT(EXO_OK);
}
static MP_DEFINE_CONST_FUN_OBJ_2(encoder_aim_obj, encoder_aim);

/* ---- files ---- */

static mp_obj_t encoder_files(mp_obj_t object)
{
    const encoder_object *self = MP_OBJ_TO_PTR(object);
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (uint32_t i = 0; i < self->file_count; i++) {
        mp_obj_t pair[] = {exomp_str(encoder_name(self, 2 * i)), exomp_str_or_none(encoder_name(self, 2 * i + 1))};
        mp_obj_list_append(list, mp_obj_new_tuple(2, pair));
    }
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_1(encoder_files_obj, encoder_files);

static mp_obj_t encoder_set_file(size_t n_args, const mp_obj_t *args)
{
    (void)n_args;
    encoder_object *self = MP_OBJ_TO_PTR(args[0]);
    const mp_int_t size = exomp_int_of(args[2]);
    if (self->file_count == 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("no such file"));
    }
    encoder_file *file = &self->files[exomp_count_of(args[1], self->file_count - 1)];
    (void)exomp_text(args[3]);
    (void)exomp_text(args[4]);
    file->encoder = self;
    file->media_type = args[3];
    file->name = args[4];
    file->source.ctx = file;
    file->source.read = encoder_file_read;
    file->source.rewind = size == -2 ? NULL : encoder_file_rewind;
    file->source.check = encoder_file_check;
    file->source.size = size < 0 ? EXO_SIZE_UNKNOWN : (uint64_t)size;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(encoder_set_file_obj, 5, 5, encoder_set_file);

static mp_obj_t encoder_want(mp_obj_t object)
{
    const encoder_object *self = MP_OBJ_TO_PTR(object);
    if (!self->wanted) {
        return mp_const_none;
    }
    mp_obj_t pair[] = {MP_OBJ_NEW_SMALL_INT(self->wanted - self->files), exomp_int((int64_t)self->wanted->at)};
    return mp_obj_new_tuple(2, pair);
}
static MP_DEFINE_CONST_FUN_OBJ_1(encoder_want_obj, encoder_want);

static mp_obj_t encoder_fill(size_t n_args, const mp_obj_t *args)
{
    encoder_object *self = MP_OBJ_TO_PTR(args[0]);
    const mp_int_t size = n_args > 2 ? exomp_int_of(args[2]) : -1;
    exomp_held mail = {MP_OBJ_NULL, NULL, 0};
    exo_span bytes = exomp_hold(&mail, args[1], 0, size);
    if (self->wanted) {
        self->mail = mail;
        self->mail_len = bytes.len;
        self->mail_at = 0;
        self->at_end = bytes.len == 0;
        self->filled = self->wanted;
        self->wanted = NULL;
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(encoder_fill_obj, 2, 3, encoder_fill);

static mp_obj_t encoder_fail(mp_obj_t object, mp_obj_t code)
{
    encoder_object *self = MP_OBJ_TO_PTR(object);
    self->failed = (int)exomp_int_of(code);
    self->wanted = NULL;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(encoder_fail_obj, encoder_fail);

/* ---- the body ---- */

/* The encoder where a call is in order. */
static encoder_object *encoder_in(mp_obj_t object, bool to_write)
{
    encoder_object *self = MP_OBJ_TO_PTR(object);
    if (!self->aimed || (to_write && !self->sized)) {
        mp_raise_ValueError(MP_ERROR_TEXT("aim(), then size(), come first"));
    }
    exomp_held_check(&self->mail);
    return self;
}

static mp_obj_t encoder_size(mp_obj_t object, mp_obj_t budget)
{
    encoder_object *self = encoder_in(object, false);
    const size_t bytes = exomp_count_of(budget, UINT32_MAX);
    const int code = self->sized ? EXO_OK : exo_encode_size(&self->encoder, bytes);
    self->sized = code == EXO_OK;
    return MP_OBJ_NEW_SMALL_INT(code);
}
static MP_DEFINE_CONST_FUN_OBJ_2(encoder_size_obj, encoder_size);

static mp_obj_t encoder_total(mp_obj_t object)
{
    const uint64_t total = exo_encode_total(&encoder_in(object, true)->encoder);
    return exomp_int(total == EXO_SIZE_UNKNOWN ? -1 : (int64_t)total);
}
static MP_DEFINE_CONST_FUN_OBJ_1(encoder_total_obj, encoder_total);

static mp_obj_t encoder_write(size_t n_args, const mp_obj_t *args)
{
    encoder_object *self = encoder_in(args[0], true);
    const mp_int_t start = n_args > 2 ? exomp_int_of(args[2]) : 0;
    const mp_int_t end = n_args > 3 ? exomp_int_of(args[3]) : -1;
    exo_window window = exomp_window(args[1], start, end);
    const int code = self->written ? EXO_OK : exo_encode_write(&self->encoder, &window);
    self->written = code == EXO_OK;
    self->sent += window.pos;
    return MP_OBJ_NEW_SMALL_INT(code < 0 ? code : (mp_int_t)window.pos);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(encoder_write_obj, 2, 4, encoder_write);

static mp_obj_t encoder_done(mp_obj_t object)
{
    return mp_obj_new_bool(((encoder_object *)MP_OBJ_TO_PTR(object))->written);
}
static MP_DEFINE_CONST_FUN_OBJ_1(encoder_done_obj, encoder_done);

static mp_obj_t encoder_written(mp_obj_t object)
{
    return exomp_int((int64_t)((encoder_object *)MP_OBJ_TO_PTR(object))->sent);
}
static MP_DEFINE_CONST_FUN_OBJ_1(encoder_written_obj, encoder_written);

static mp_obj_t encoder_spent(mp_obj_t object)
{
    const encoder_object *self = MP_OBJ_TO_PTR(object);
    return mp_obj_new_bool(self->sent > 0 && exo_encode_total(&self->encoder) == EXO_SIZE_UNKNOWN);
}
static MP_DEFINE_CONST_FUN_OBJ_1(encoder_spent_obj, encoder_spent);

static mp_obj_t encoder_rewind(mp_obj_t object)
{
    encoder_object *self = encoder_in(object, true);
    const int code = self->sent > 0 ? exo_encode_rewind(&self->encoder) : EXO_OK;
    if (code == EXO_OK) {
        self->written = false;
        self->sent = 0;
    }
    self->wanted = NULL;
    self->filled = NULL;
    return MP_OBJ_NEW_SMALL_INT(code);
}
static MP_DEFINE_CONST_FUN_OBJ_1(encoder_rewind_obj, encoder_rewind);

static mp_obj_t encoder_message(mp_obj_t object)
{
    const encoder_object *self = MP_OBJ_TO_PTR(object);
    return exomp_str(exo_span_text(self->aimed ? exo_encode_error_key(&self->encoder) : ""));
}
static MP_DEFINE_CONST_FUN_OBJ_1(encoder_message_obj, encoder_message);

static mp_obj_t encoder_close(mp_obj_t object)
{
    encoder_object *self = MP_OBJ_TO_PTR(object);
    const mp_obj_base_t base = self->base;
    exo_buffer_free(&self->tape.kinds);
    exo_buffer_free(&self->tape.objects);
    exo_buffer_free(&self->extra.kinds);
    exo_buffer_free(&self->extra.objects);
    memset(self, 0, sizeof *self);
    self->base = base;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(encoder_close_obj, encoder_close);

#define ENCODER_METHODS(X) \
    X(MP_QSTR_files, encoder_files_obj) \
    X(MP_QSTR_file, encoder_set_file_obj) \
    X(MP_QSTR_aim, encoder_aim_obj) \
    X(MP_QSTR_size, encoder_size_obj) \
    X(MP_QSTR_total, encoder_total_obj) \
    X(MP_QSTR_write, encoder_write_obj) \
    X(MP_QSTR_done, encoder_done_obj) \
    X(MP_QSTR_written, encoder_written_obj) \
    X(MP_QSTR_spent, encoder_spent_obj) \
    X(MP_QSTR_rewind, encoder_rewind_obj) \
    X(MP_QSTR_want, encoder_want_obj) \
    X(MP_QSTR_fill, encoder_fill_obj) \
    X(MP_QSTR_fail, encoder_fail_obj) \
    X(MP_QSTR_message, encoder_message_obj) \
    X(MP_QSTR_close, encoder_close_obj)

EXOMP_TYPE_NEW(encoder, MP_QSTR_Encoder, ENCODER_METHODS, encoder_make_new)
