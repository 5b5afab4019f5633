/*
 * reply.c: what is left of a call: its answers, its failure, its trail. It lives on without the client.
 */
#include "reply.h"

#include "heap.h"

#include "exochat/finish.h"

#include <stdlib.h>

/* Of a reply for whose failure there is no memory. */
static const exo_failure reply_no_memory = {
    .code = EXO_E_NO_MEMORY,
    .verdict = EXO_STOP,
    .retry_after = -1,
};

exo_reply *exo_reply_new(const exo_limits *limits, uint32_t choices, unsigned keep)
{
    exo_reply *reply = calloc(1, sizeof *reply);
    if (!reply) {
        return NULL;
    }
    reply->answers = calloc(choices, sizeof *reply->answers);
    if (!reply->answers) {
        free(reply);
        return NULL;
    }
    reply->answer_count = choices;
    for (uint32_t i = 0; i < choices; i++) {
        exo_answer_init(&reply->answers[i], &exo_heap, limits, i, keep);
    }
    return reply;
}

void exo_reply_restart(exo_reply *reply, const exo_limits *limits, unsigned keep)
{
    for (uint32_t i = 0; i < reply->answer_count; i++) {
        exo_answer_free(&reply->answers[i]);
        exo_answer_init(&reply->answers[i], &exo_heap, limits, i, keep);
    }
}

static void reply_free_text(const char *text)
{
    free((void *)text);
}

static void reply_forget(exo_reply *reply)
{
    if (reply->failure != &reply_no_memory) {
        free((void *)reply->failure);
    }
    free(reply->request_id);
    reply->failure = NULL;
    reply->request_id = NULL;
}

void exo_reply_fail(exo_reply *reply, const exo_failure *failure)
{
    exo_failure *kept = malloc(sizeof *kept);
    reply_forget(reply);
    if (kept) {
        *kept = *failure;
    }
    reply->failure = kept ? kept : &reply_no_memory;
}

void exo_reply_fail_saying(exo_reply *reply, int code, exo_span words)
{
    exo_failure failure;
    exo_failure_clear(&failure);
    exo_failure_set(&failure, code, words);
    exo_reply_fail(reply, &failure);
}

void exo_reply_succeed(exo_reply *reply, const char *request_id)
{
    reply_forget(reply);
    reply->request_id = request_id[0] ? exo_heap_copy(request_id) : NULL;
}

int exo_reply_note_attempt(exo_reply *reply, const exo_trail_entry *entry, const char *deployment, const char *model,
                           const char *message)
{
    exo_trail_entry *attempts = realloc(reply->attempts, (reply->attempt_count + 1) * sizeof *attempts);
    if (!attempts) {
        return EXO_E_NO_MEMORY;
    }
    reply->attempts = attempts;
    char *const names[] = {exo_heap_copy(deployment), exo_heap_copy(model)};
    if (!names[0] || !names[1]) {
        free(names[0]);
        free(names[1]);
        return EXO_E_NO_MEMORY;
    }
    const char *words = message[0] ? exo_heap_copy(message) : NULL;
    exo_trail_entry *kept = &attempts[reply->attempt_count++];
    *kept = *entry;
    kept->deployment = names[0];
    kept->model = names[1];
    kept->message = words ? words : "";
    return EXO_OK;
}

const exo_trail_entry *exo_reply_last_attempt(const exo_reply *reply)
{
    return reply->attempt_count ? &reply->attempts[reply->attempt_count - 1] : NULL;
}

const exo_failure *exo_reply_failure(const exo_reply *reply)
{
    static const exo_failure none = {
        .code = EXO_E_NO_MEMORY,
        .verdict = EXO_STOP,
        .retry_after = -1,
        .message = "there is no reply: memory ran out, or exo_client_message() says why",
    };
    if (!reply) {
        return &none;
    }
    return reply->failure;
}

static exo_outcome reply_outcome_of(const exo_answer *answer)
{
    if (exo_answer_refusal(answer).len > 0) {
        return EXO_OUTCOME_REFUSED;
    }
    switch (exo_finish_family_of(exo_answer_finish_reason(answer))) {
    case EXO_FINISH_FILTER:
        return EXO_OUTCOME_FILTERED;
    case EXO_FINISH_LENGTH:
        return EXO_OUTCOME_CUT;
    default:
        return EXO_OUTCOME_COMPLETE;
    }
}

exo_outcome exo_reply_outcome(const exo_reply *reply)
{
    exo_outcome worst = EXO_OUTCOME_COMPLETE;
    if (!reply || reply->failure) {
        return reply && reply->failure->code == EXO_E_CANCELLED ? EXO_OUTCOME_CANCELLED : EXO_OUTCOME_FAILED;
    }
    for (uint32_t i = 0; i < reply->answer_count; i++) {
        exo_outcome outcome = reply_outcome_of(&reply->answers[i]);
        worst = outcome > worst ? outcome : worst;
    }
    return worst;
}

exo_answer *exo_reply_answer(const exo_reply *reply, uint32_t choice)
{
    return reply && choice < reply->answer_count ? &reply->answers[choice] : NULL;
}

size_t exo_reply_attempts(const exo_reply *reply)
{
    return reply ? reply->attempt_count : 0;
}

const exo_trail_entry *exo_reply_attempt(const exo_reply *reply, size_t index)
{
    return reply && index < reply->attempt_count ? &reply->attempts[index] : NULL;
}

const char *exo_reply_deployment(const exo_reply *reply)
{
    const exo_trail_entry *last = reply ? exo_reply_last_attempt(reply) : NULL;
    return last ? last->deployment : "";
}

const char *exo_reply_request_id(const exo_reply *reply)
{
    if (reply && reply->failure) {
        return reply->failure->request_id;
    }
    return reply && reply->request_id ? reply->request_id : "";
}

exo_span exo_reply_service_tier(const exo_reply *reply)
{
    return reply ? exo_answer_service_tier(&reply->answers[0]) : exo_span_of(NULL, 0);
}

int64_t exo_reply_milliseconds(const exo_reply *reply)
{
    return reply ? reply->milliseconds : 0;
}

void exo_reply_free(exo_reply *reply)
{
    if (!reply) {
        return;
    }
    for (uint32_t i = 0; i < reply->answer_count; i++) {
        exo_answer_free(&reply->answers[i]);
    }
    for (size_t i = 0; i < reply->attempt_count; i++) {
        reply_free_text(reply->attempts[i].deployment);
        reply_free_text(reply->attempts[i].model);
        if (reply->attempts[i].message[0]) {
            reply_free_text(reply->attempts[i].message);
        }
    }
    reply_forget(reply);
    free(reply->attempts);
    free(reply->answers);
    free(reply);
}
