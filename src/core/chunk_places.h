/*
 * chunk_places.h: the members of an event that are looked for, and where each of them is noted: one table for all that
 * read an event.
 *
 * Private to src/core, where chunk.c and chunk_pass.c find members by it. It is constant.
 */
#ifndef EXO_CORE_CHUNK_PLACES_H
#define EXO_CORE_CHUNK_PLACES_H

#include "exochat/chunk.h"

/* The members that are looked for, and where each of them is noted in places_; OTHERS are those of the same object that
 * are not listed: where its inside begins, if it has any. */
enum place {
    TOP_ID, /* of the event */
    TOP_MODEL,
    TOP_TIER,
    TOP_CHOICES,
    TOP_USAGE,
    TOP_OBJECT,
    TOP_GROQ,
    TOP_BASE,
    TOP_ERROR,
    TOP_DETAIL, /* with the next two: an error where there are no choices */
    TOP_FAULT,
    TOP_ERRORS,
    TOP_OTHERS,
    INNER_USAGE, /* of one of its objects */
    INNER_STATUS,
    INNER_OTHERS,
    CHOICE_INDEX, /* of the choice at hand */
    CHOICE_MESSAGE,
    CHOICE_LOGPROBS,
    CHOICE_FINISH,
    CHOICE_USAGE,
    CHOICE_TEXT,
    CHOICE_ERROR,
    CHOICE_DELTA,
    DELTA_ROLE,
    DELTA_REASONING, /* the first of its three names; its details stand behind them */
    DELTA_REASONING_DETAILS = DELTA_REASONING + 3,
    DELTA_CONTENT,
    DELTA_REFUSAL,
    DELTA_TOOL_CALLS,
    DELTA_FUNCTION_CALL,
    DELTA_AUDIO,
    DELTA_OTHERS,
    CHOICE_OTHERS,
    PART_TEXT, /* of an object in the place of a text, which says what stands in the first that says something */
    PART_CONTENT,
    PART_SUMMARY,
    PART_THINKING,
    PART_TYPE,
    PART_OTHERS,
    CALL_INDEX, /* of the tool call at hand */
    CALL_ID,
    CALL_TYPE,
    CALL_EXTRA,
    CALL_FUNCTION,
    FUNCTION_NAME,
    FUNCTION_ARGUMENTS,
    FUNCTION_OTHERS,
    CALL_OTHERS,
    USAGE_PROMPT,
    USAGE_COMPLETION,
    USAGE_TOTAL,
    USAGE_PROMPT_DETAILS,
    USAGE_COMPLETION_DETAILS,
    USAGE_CACHED, /* the first of its three names */
    USAGE_REASONING = USAGE_CACHED + 3,
    USAGE_OTHERS,
    PLACES
};
_Static_assert(EXO_CHUNK_PLACES_ == PLACES, "the places of an event");
_Static_assert(TOP_TIER - TOP_ID + 1 == EXO_CHUNK_NAMES_ && EXO_DELTA_TIER - EXO_DELTA_ID + 1 == EXO_CHUNK_NAMES_,
               "what names a response comes first, and in the order of its deltas");

enum list_number {
    LIST_TOP,
    LIST_INNER, /* of x_groq and base_resp */
    LIST_CHOICE,
    LIST_DELTA,
    LIST_PART,
    LIST_CALL,
    LIST_FUNCTION,
    LIST_USAGE /* and its details */
};

/* The names of members, the length of each before it, and 0 at the end; the place of the first, and that of the others.
 * Where there is an `inner` list, an object in the last member is read by that, and its places stand behind. The role
 * is looked at, and the type of a call is known, so that they are not kept as unknown. */
#define TOP_NAMES    "\2id\5model\14service_tier\7choices\5usage\6object\6x_groq\11base_resp\5error\6detail\5fault\6errors"
#define CHOICE_NAMES "\5index\7message\10logprobs\15finish_reason\5usage\4text\5error\5delta"
#ifdef EXO_SMALL
#define LENS(bits)
#else
#define LENS(bits) bits
#endif
static const struct place_list {
    const char *names;
    uint8_t first;
    uint8_t others;
    uint8_t inner;
#ifndef EXO_SMALL
    uint32_t lens; /* a bit for the length of each name, all below 32 */
#endif
} place_lists[] = {
    [LIST_TOP] = {TOP_NAMES, TOP_ID, TOP_OTHERS, 0, LENS(0x12e4)},
    [LIST_INNER] = {"\5usage\13status_code", INNER_USAGE, INNER_OTHERS, 0, LENS(0x820)},
    [LIST_CHOICE] = {CHOICE_NAMES, CHOICE_INDEX, CHOICE_OTHERS, LIST_DELTA, LENS(0x21b0)},
    [LIST_DELTA] = {"\4role\21reasoning_content\11reasoning\16reasoning_text\21reasoning_"
                    "details\7content\7refusal\12tool_calls\15function_call\5audio",
                    DELTA_ROLE, DELTA_OTHERS, 0, LENS(0x266b0)},
    [LIST_PART] = {"\4text\7content\7summary\10thinking\4type", PART_TEXT, PART_OTHERS, 0, LENS(0x190)},
    [LIST_CALL] = {"\5index\2id\4type\15extra_content\10function", CALL_INDEX, CALL_OTHERS, LIST_FUNCTION,
                   LENS(0x2134)},
    [LIST_FUNCTION] = {"\4name\11arguments", FUNCTION_NAME, FUNCTION_OTHERS, 0, LENS(0x210)},
    [LIST_USAGE] = {"\15prompt_tokens\21completion_tokens\14total_tokens\25prompt_tokens_details\31completion_tokens_"
                    "details\27prompt_cache_hit_tokens\15cached_tokens\27cache_read_input_tokens\20reasoning_tokens",
                    USAGE_PROMPT, USAGE_OTHERS, 0, LENS(0x2a33000)},
};

#endif
