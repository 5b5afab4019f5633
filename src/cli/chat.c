/*
 * chat.c: see chat.h. Text goes to standard output as it comes, everything else to standard error, unless --json or
 * --events want it otherwise.
 *
 * What is kept in memory is what is printed at the end: with text that is printed as it comes, only tool calls and a
 * refusal.
 */
#include "chat.h"

#include "advice.h"
#include "ask.h"
#include "attach.h"
#include "conversation.h"
#include "events.h"
#include "exit_code.h"
#include "failure_words.h"
#include "interrupt.h"
#include "memory.h"
#include "prompt.h"
#include "report.h"
#include "say.h"
#include "setup.h"

#include "exochat/finish.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

/* As much of a refusal as is shown. */
enum {
    REFUSAL_MAX = 2048
};

/* One question and what has been printed of its answer. */
typedef struct asking {
    const cli_options *options;
    const char *model;
    bool terminal;    /* standard output is one */
    bool line_open;   /* text was printed, and its line has not ended */
    bool printed;     /* text was */
    bool shown;       /* text was, or anything else of the answer */
    bool restarts;    /* it may begin anew all the same */
    bool spoiled;     /* and is void, and cannot be taken back: whoever reads the output takes it for the answer */
    uint32_t choices; /* that were asked for */
    exo_buffer refusal;
    FILE *saved; /* --save-stream */
    int save_error;
    conversation *going_on; /* --continue, or NULL */
} asking;

/* ---- events ---- */

static void chat_end_text_line(asking *asked)
{
    if (asked->line_open && !asked->options->no_newline) {
        putchar('\n');
        say_flush();
    }
    asked->line_open = false;
}

static void chat_print_text(asking *asked, exo_span text)
{
    if (text.len > 0) {
        say_end_line();
        say_text(stdout, asked->terminal, text);
        asked->printed = true;
        asked->line_open = text.ptr[text.len - 1] != '\n';
    }
}

/* Text and what goes beside it, for people. */
static void chat_show(asking *asked, const exo_event *event)
{
    switch (event->type) {
    case EXO_EVENT_TEXT:
        chat_print_text(asked, event->text);
        break;
    case EXO_EVENT_REASONING:
        if (!asked->options->quiet) {
            say_stream(event->text);
        }
        break;
    case EXO_EVENT_REFUSAL:
        (void)exo_buffer_append(&asked->refusal, event->text);
        break;
    case EXO_EVENT_RESTART:
        chat_end_text_line(asked);
        asked->spoiled = asked->printed && !asked->terminal;
        exo_buffer_clear(&asked->refusal);
        if (!asked->options->quiet) {
            say("what came so far is void, the answer begins anew: %s",
                event->failure ? failure_text_of(event->failure->code) : "the stream broke");
        }
        break;
    default:
        break;
    }
}

static bool chat_on_event(void *ctx, const exo_event *event)
{
    asking *asked = ctx;
    if (event->type == EXO_EVENT_END) {
        return true;
    }
    asked->shown = event->type != EXO_EVENT_RESTART && (asked->shown || event->type != EXO_EVENT_USAGE);
    if (asked->options->events) {
        events_print(event);
    } else if (event->choice == 0) {
        chat_show(asked, event);
    }
    return say_flush();
}

static void chat_save(void *ctx, exo_span bytes)
{
    asking *asked = ctx;
    if (asked->save_error == 0 && fwrite(bytes.ptr, 1, bytes.len, asked->saved) < bytes.len) {
        asked->save_error = errno;
    }
}

/* ---- the end ---- */

static bool chat_is_for_people(const cli_options *options)
{
    return !options->json && !options->events;
}

static void chat_print_tool_calls(exo_answer *answer)
{
    json_out out = json_out_to(stderr);
    for (uint32_t i = 0; i < exo_answer_tool_calls(answer); i++) {
        say_end_line();
        json_open(&out, '{');
        json_key(&out, "tool_call");
        report_tool_call_json(&out, answer, i);
        json_close(&out, '}');
        json_end_line(&out);
    }
}

/* An answer that is complete, and yet may not be what was asked for. */
static int chat_judge(asking *asked, exo_answer *answer)
{
    exo_span refusal = asked->refusal.len > 0 ? exo_buffer_span(&asked->refusal) : exo_answer_refusal(answer);
    exo_span reason = exo_answer_finish_reason(answer);
    if (refusal.len > 0) {
        say("refused by %s: %.*s", asked->model, (int)(refusal.len < REFUSAL_MAX ? refusal.len : REFUSAL_MAX),
            refusal.ptr);
        return EXIT_REFUSED;
    }
    if (exo_finish_family_of(reason) == EXO_FINISH_FILTER) {
        say("cut by a content filter of %s (finish_reason %.*s)", asked->model, (int)reason.len, reason.ptr);
        return EXIT_REFUSED;
    }
    if (exo_finish_family_of(reason) == EXO_FINISH_LENGTH && !asked->options->quiet) {
        say("the answer is cut: its maximum length is reached (finish_reason %.*s); -o max_tokens=N sets it",
            (int)reason.len, reason.ptr);
    }
    return EXIT_ANSWERED;
}

/* Several choices: each under its number. */
static void chat_print_choices(asking *asked, const exo_reply *reply)
{
    exo_answer *answer;
    uint32_t printed = 0;
    for (uint32_t i = 0; (answer = exo_reply_answer(reply, i)) != NULL; i++) {
        if (!exo_answer_began(answer) && exo_answer_finish_reason(answer).len == 0) {
            continue; /* an endpoint may give fewer than it was asked for */
        }
        char number[16];
        int len = snprintf(number, sizeof number, "%s[%" PRIu32 "]\n", asked->line_open ? "\n" : "", i);
        chat_print_text(asked, exo_span_of(number, (size_t)len));
        chat_print_text(asked, exo_answer_text(answer));
        printed++;
    }
    if (printed < asked->choices && !asked->options->quiet) {
        chat_end_text_line(asked);
        say("%" PRIu32 " answers were asked for, and %" PRIu32 " came", asked->choices, printed);
    }
}

/* Says that nothing was printed, where somebody may wait for it. */
static void chat_say_empty(const asking *asked, const exo_answer *answer)
{
    const bool wanted = chat_is_for_people(asked->options) && !asked->options->quiet;
    if (wanted && !asked->printed && exo_answer_tool_calls(answer) == 0) {
        say("the answer holds no text; --json shows all that came");
    }
}

/* What the stream held that nobody could read, and that was no part of the answer. */
static void chat_say_noise(exo_answer *answer)
{
    uint32_t events = exo_answer_malformed(answer, NULL, NULL);
    if (events > 0) {
        say("%" PRIu32 " event%s of the stream could not be read, and no part of the answer was lost with %s", events,
            events == 1 ? "" : "s", events == 1 ? "it" : "them");
    }
}

/* --continue: adds a whole answer to its file. Returns the exit code, of which `exit_code` is what it is without. */
static int chat_keep(const asking *asked, const cli_setup *setup, const exo_reply *reply, int exit_code)
{
    if (!asked->going_on) {
        return exit_code;
    }
    if (exo_reply_outcome(reply) == EXO_OUTCOME_COMPLETE) {
        return conversation_keep(asked->going_on, setup, reply, asked->model) ? exit_code : EXIT_FAILED;
    }
    say("--continue: %s: this turn is not kept, as its answer is not whole", asked->going_on->name);
    return exit_code;
}

/* Prints what is left to be printed of a reply that is no failure's explanation. */
static void chat_print_reply(asking *asked, const exo_reply *reply, const char *advice)
{
    const cli_options *options = asked->options;
    const bool whole = !exo_reply_failure(reply);
    exo_answer *answer = exo_reply_answer(reply, 0);
    if (options->json) {
        json_out out = json_out_to(stdout);
        report_reply_json(&out, reply, advice);
        json_end_line(&out);
    } else if (options->events) {
        events_print_end(reply, advice);
    } else if (whole && exo_reply_answer(reply, 1)) {
        chat_print_choices(asked, reply);
    } else if (options->no_stream && whole && answer) {
        chat_print_text(asked, exo_answer_text(answer));
    }
    chat_end_text_line(asked);
    if (chat_is_for_people(options) && report_calls_usable(reply) && !options->quiet) {
        chat_print_tool_calls(answer);
    }
    if (options->trace) {
        report_trail(reply);
    }
}

/* Says why there is no answer, and returns the exit code. */
static int chat_fail(const asking *asked, const exo_reply *reply, const char *advice)
{
    const exo_failure *failure = exo_reply_failure(reply);
    if (interrupted() && failure->code == EXO_E_CANCELLED) {
        say("interrupted");
        return EXIT_INTERRUPTED;
    }
    if (chat_is_for_people(asked->options) && !asked->options->trace) {
        report_earlier_attempts(reply);
    }
    report_failure(failure, exo_reply_deployment(reply), advice);
    return report_exit_code(failure);
}

/* Prints what is left of a reply, says what is to be said of it, and returns the exit code. */
static int chat_finish(asking *asked, const cli_setup *setup, const exo_reply *reply)
{
    const exo_failure *failure = exo_reply_failure(reply);
    exo_answer *answer = exo_reply_answer(reply, 0);
    char advice[ADVICE_MAX] = "";
    if (failure) {
        advice_write(setup, failure, exo_reply_deployment(reply), asked->shown && !asked->restarts, advice);
    }
    chat_print_reply(asked, reply, advice);
    if (failure) {
        return chat_fail(asked, reply, advice);
    }
    if (!answer) {
        return EXIT_FAILED;
    }
    chat_say_noise(answer);
    int exit_code = chat_keep(asked, setup, reply, chat_judge(asked, answer));
    if (exit_code == EXIT_ANSWERED) {
        chat_say_empty(asked, answer);
    }
    if (exit_code == EXIT_ANSWERED && asked->spoiled) {
        say("the answer is complete, but standard output holds text before it that is void");
        return EXIT_FAILED;
    }
    return exit_code;
}

/* ---- the question ---- */

static bool chat_write_body(void *ctx, exo_span bytes)
{
    (void)ctx;
    return fwrite(bytes.ptr, 1, bytes.len, stdout) == bytes.len && !interrupted();
}

/* --dry-run: what would be sent, byte for byte. */
static int chat_print_body(const cli_setup *setup, const exo_request *request, const char *model)
{
    int code = exo_client_body(setup->client, request, model, chat_write_body, NULL);
    if (!setup->options->no_newline && code == EXO_OK) {
        putchar('\n');
    }
    if (interrupted()) {
        return EXIT_INTERRUPTED;
    }
    if (!say_flush()) {
        return say_output_failed();
    }
    return code == EXO_OK ? EXIT_ANSWERED : setup_failed(setup, code);
}

/* The events that are printed as they come. What is not printed is not final. */
static unsigned chat_wanted_events(const cli_options *options)
{
    unsigned wanted = EXO_WANT(EXO_EVENT_TEXT) | EXO_WANT(EXO_EVENT_REFUSAL);
    if (options->events) {
        return EXO_WANT_ALL;
    }
    return options->quiet ? wanted : wanted | EXO_WANT(EXO_EVENT_REASONING);
}

static int chat_put_question(asking *asked, const cli_setup *setup, const exo_request *request)
{
    const cli_options *options = asked->options;
    exo_call_options call = EXO_CALL_OPTIONS_INIT;
    setup_call_options(setup, options, &call);
    call.model = asked->model;
    asked->restarts = call.restart;
    call.choices = asked->choices = exo_request_choices(request);
    call.buffered = options->json || options->no_stream || (call.choices > 1 && !options->events);
    call.events = chat_wanted_events(options);
    call.keep = EXO_KEEP_TOOLS;
    call.keep |= call.buffered ? EXO_KEEP_TEXT | EXO_KEEP_REASONING : 0;
    call.keep |= options->json ? EXO_KEEP_EXTRA : 0;
    call.keep |= asked->going_on ? EXO_KEEP_ALL : 0;
    if (asked->saved) {
        call.raw = chat_save;
        call.raw_ctx = asked;
    }
    exo_reply *reply = ask(setup->client, request, &call, chat_on_event, asked);
    if (!reply) {
        return setup_failed(setup, EXO_E_NO_MEMORY);
    }
    int exit_code = say_flush() ? chat_finish(asked, setup, reply) : EXIT_FAILED;
    exo_reply_free(reply);
    return say_flush() || exit_code == EXIT_INTERRUPTED ? exit_code : say_output_failed();
}

static bool chat_open_saved(asking *asked)
{
    if (!asked->options->save_stream) {
        return true;
    }
    int file = open(asked->options->save_stream, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    asked->saved = file < 0 ? NULL : fdopen(file, "w");
    if (!asked->saved) {
        say("--save-stream: %s: %s", asked->options->save_stream, strerror(errno));
    }
    return asked->saved != NULL;
}

/* Ends --save-stream; a stream that could not be saved is a failure of the command. */
static int chat_close_saved(asking *asked, int exit_code)
{
    if (!asked->saved) {
        return exit_code;
    }
    if (fclose(asked->saved) != 0 && asked->save_error == 0) {
        asked->save_error = errno;
    }
    if (asked->save_error != 0) {
        say("--save-stream: %s: %s", asked->options->save_stream, strerror(asked->save_error));
        return exit_code == EXIT_ANSWERED ? EXIT_FAILED : exit_code;
    }
    return exit_code;
}

/* Opens what is written while the answer comes, and asks. */
static int chat_ask(asking *asked, const cli_setup *setup, const exo_request *request)
{
    if (asked->going_on && !conversation_begin(asked->going_on, setup, request, asked->model)) {
        return EXIT_USAGE;
    }
    if (!chat_open_saved(asked)) {
        return EXIT_USAGE;
    }
    return chat_close_saved(asked, chat_put_question(asked, setup, request));
}

static int chat_run(const cli_options *options, cli_setup *setup, exo_request *request, conversation *going_on)
{
    char refusal[REFUSAL_MAX];
    int exit_code;
    asking asked;
    memset(&asked, 0, sizeof asked);
    asked.options = options;
    asked.going_on = going_on;
    asked.terminal = isatty(STDOUT_FILENO) == 1;
    exo_buffer_init_fixed(&asked.refusal, refusal, sizeof refusal, EXO_E_ANSWER_LIMIT);
    asked.model = setup_deploy(setup, options, exo_request_model(request), true, &exit_code);
    if (!asked.model) {
        return exit_code;
    }
    uint32_t most = exo_limits_host()->choices;
    if (exo_request_choices(request) > most) {
        say("n: at most %" PRIu32 " choices can be asked for, not %" PRIu32, most, exo_request_choices(request));
        return EXIT_USAGE;
    }
    if (options->dry_run) {
        return chat_print_body(setup, request, asked.model);
    }
    if (going_on && exo_request_choices(request) > 1) {
        say("--continue: keeps one answer, and the request asks for %" PRIu32 " (n)", exo_request_choices(request));
        return EXIT_USAGE;
    }
    if (going_on && !attach_is_lasting(options)) {
        say("--continue: keeps what is attached, so that must be a regular file");
        return EXIT_USAGE;
    }
    if (options->trace) {
        setup_trace_key(setup);
    }
    return setup_has_key(setup, asked.model) ? chat_ask(&asked, setup, request) : EXIT_USAGE;
}

int chat_command(const cli_options *options)
{
    cli_setup setup;
    conversation talk;
    int exit_code = EXIT_USAGE;
    exo_request *request = NULL;
    conversation *going_on = options->continued ? &talk : NULL;
    memset(&setup, 0, sizeof setup);
    memset(&talk, 0, sizeof talk);
    interrupt_catch();
    if (!going_on || conversation_open(going_on, options)) {
        request = prompt_request(options, going_on, &exit_code);
    }
    if (request && setup_open(&setup, options, &exit_code)) {
        exit_code = chat_run(options, &setup, request, going_on);
    }
    setup_close(&setup);
    exo_request_free(request);
    conversation_close(&talk);
    return exit_code;
}
