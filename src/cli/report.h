/*
 * report.h: an answer, a failure and the trail of attempts, as JSON for programs and as lines for people.
 */
#ifndef EXO_CLI_REPORT_H
#define EXO_CLI_REPORT_H

#include "json_out.h"

#include "exochat/client.h"

/* What an exit code says of a reply's failure (NULL: none) or of any other error code. */
int report_exit_code(const exo_failure *failure);
int report_exit_code_of(int code);

/* A failure as an object, or null for NULL and for EXO_OK. `advice` says what to do about it; NULL: what the library
 * says. */
void report_failure_json(json_out *out, const exo_failure *failure, const char *advice);

/* A failure as one line on standard error, and what to do about it as another. `who` (a deployment) and `advice` may be
 * "". */
void report_failure(const exo_failure *failure, const char *who, const char *advice);

/* The attempts of a reply as an array. */
void report_attempts_json(json_out *out, const exo_reply *reply);

/* The whole reply as one object; `advice` is for its failure. */
void report_reply_json(json_out *out, const exo_reply *reply, const char *advice);

/* Whether the tool calls of a reply may be used: not those of an answer that failed, or that its maximum length has
 * cut. */
bool report_calls_usable(const exo_reply *reply);

/* One tool call as an object: `arguments` is a value, repaired, or null where that cannot be done; `arguments_raw` is
 * there if they are not as they came. */
void report_tool_call_json(json_out *out, exo_answer *answer, uint32_t number);

/* Why the attempts failed that came before the failure which the reply reports: one line each, on standard error. */
void report_earlier_attempts(const exo_reply *reply);

/* The trail, for people, on standard error. */
void report_trail(const exo_reply *reply);

/* The times of one attempt on one line: "resolved 3 ms, connected 12 ms, …". `line` is NUL-terminated. */
void report_times(const exo_trail_entry *attempt, char *line, size_t size);

#endif
