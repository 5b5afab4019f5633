/*
 * answer_keep.h: how an answer keeps text that comes in pieces, and JSON as it stands.
 *
 * Private to src/core; all memory is the answer's buffers. What fails says so in `answer->error_`, which stays, and
 * leaves what was kept before as it was; where it says so itself is written below.
 */
#ifndef EXOCHAT_ANSWER_KEEP_H
#define EXOCHAT_ANSWER_KEEP_H

#include "exochat/answer.h"

/* Where the hosted library is built, what is asked of no answer (NULL) is `value`; a small machine has no room for it.
 */
#ifdef EXO_HOSTED
#define UNLESS_THERE(answer, value) \
    do { \
        if (!(answer)) { \
            return value; \
        } \
    } while (0)
#else
#define UNLESS_THERE(answer, value) ((void)0)
#endif

/* Bytes in a buffer that others stand in too, and that may become more. All zero is none yet. */
struct exo_run {
    uint32_t at;
    uint32_t len;
    uint32_t room;
};

/* Makes room for `more` bytes behind a run: where it lies, if it is the last in the buffer or has the room, else at the
 * end, with twice the room that it needs, so that runs that grow in turn take linear time and no more than four times
 * their length. EXO_OK, or what exo_buffer_reserve() says, and then nothing has changed. */
int exo_keep_grow(exo_buffer *buffer, struct exo_run *run, size_t more);

/* Whether `rc` is an error; then it is the answer's. */
bool exo_keep_failed(exo_answer *answer, int rc);

/* The buffer that is for `which`, to be changed. One that KEEPS() nothing: there is no memory for it, and
 * `answer->error_` says so. */
#ifdef EXO_SMALL
#define KEEPS(buffer) true
static inline exo_buffer *exo_keep_buffer(exo_answer *answer, enum exo_answer_kept which)
{
    return &answer->kept_[which];
}
#else
#define KEEPS(buffer) ((buffer) != NULL)
exo_buffer *exo_keep_buffer(exo_answer *answer, enum exo_answer_kept which);
#endif

/* The same, to be looked at. */
static inline const exo_buffer *exo_kept_buffer(const exo_answer *answer, enum exo_answer_kept which)
{
#ifndef EXO_SMALL
    static const exo_buffer empty = {0};
    if (which >= EXO_KEPT_RAW_) {
        return answer->raw_ ? &answer->raw_[which - EXO_KEPT_RAW_] : &empty;
    }
#endif
    return &answer->kept_[which];
}

/* Appends to a buffer; false on an error. */
bool exo_keep_in(exo_answer *answer, enum exo_answer_kept which, const exo_span *bytes);

/* U+FFFD, which half a surrogate pair comes to. */
#define HALF_ALONE "\xEF\xBF\xBD"

/* Joins a fragment with the half of a surrogate pair that the text before it ended with, `*held` or 0, and holds back
 * the one that it is itself. False: there is nothing to show yet. True: `delta->text` is the fragment, and so many
 * bytes of HALF_ALONE, all or none, have to stand before it. */
bool exo_keep_join(exo_answer *answer, uint16_t *held, exo_delta *delta, size_t *before);

/* Decodes the word that a delta's text is into `size` bytes, at most 256, cut at a character's border, and returns its
 * length. */
uint8_t exo_keep_word(char *dst, size_t size, const exo_delta *delta);

/* Appends a fragment to one of the texts if that is wished for, or is an echo, and leaves in `delta->text` what is to
 * be shown. EXO_OK; EXO_NOT_FOUND where that is nothing. */
int exo_keep_text(exo_answer *answer, enum exo_answer_kept which, exo_delta *delta);

/* Appends JSON to a list: a value, or the values of a list. */
void exo_keep_list(exo_answer *answer, enum exo_answer_kept which, exo_span json);

/* Keeps the JSON of a MEMBER of the answer itself, or of a TOOL_MEMBER of call `answer->call_`, as limits.raw allows:
 * the last one of a name, or, of a list or one more value of one, all. */
void exo_keep_member(exo_answer *answer, const exo_delta *delta, exo_span json);

#endif
