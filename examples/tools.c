/*
 * tools.c: a loop of tools: the model asks for the weather, this program tells it, until there is an answer.
 *
 *     cc tools.c $(pkg-config --cflags --libs exochat) -o tools
 *     EXOCHAT_BASE_URL=https://api.openai.com/v1 EXOCHAT_API_KEY=… ./tools gpt-4o-mini 'Do I need a coat in Oslo?'
 */
#include <exochat/client.h>

#include <stdio.h>
#include <stdlib.h>

#define TURNS_MAX 8

static const char weather[] = "[{\"type\":\"function\",\"function\":{\"name\":\"get_weather\","
                              "\"parameters\":{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}}}]";

static void print_text(void *out, exo_span text)
{
    fwrite(text.ptr, 1, text.len, out);
    fflush(out);
}

/* What a tool says. */
static exo_span run_tool(exo_span name, exo_span arguments)
{
    fprintf(stderr, "%.*s %.*s\n", (int)name.len, name.ptr, (int)arguments.len, arguments.ptr);
    return exo_span_text(exo_span_is(name, "get_weather") ? "4 degrees, sleet" : "there is no such tool");
}

/* Appends what the model said and what its tools say to that. Whether there were any. The arguments of a call are as
 * the model wrote them; exo_answer_tool_arguments() makes valid JSON of them. */
static bool go_on(exo_request *request, const exo_reply *reply)
{
    char memory[4096];
    exo_answer *answer = exo_reply_answer(reply, 0);
    exo_request_answer(request, reply);
    for (uint32_t i = 0; i < exo_answer_tool_calls(answer); i++) {
        exo_tool_call call;
        exo_buffer arguments;
        exo_buffer_init_fixed(&arguments, memory, sizeof memory, EXO_E_ARGUMENTS_LIMIT);
        exo_answer_tool_call(answer, i, &call);
        bool good = exo_answer_tool_arguments(answer, i, &arguments) == EXO_OK;
        exo_request_tool(request, call.id,
                         good ? run_tool(call.name, exo_buffer_span(&arguments)) : exo_span_text("bad arguments"));
    }
    return exo_answer_tool_calls(answer) > 0;
}

/* Whether the answer is whole: only then its calls may be used. Says so if not. */
static bool is_whole(const exo_reply *reply)
{
    const exo_failure *failure = exo_reply_failure(reply);
    if (failure) {
        fprintf(stderr, "%s: %s\n", exo_error_text(failure->code),
                failure->message[0] ? failure->message : exo_error_advice(failure->code));
    } else if (exo_reply_outcome(reply) != EXO_OUTCOME_COMPLETE) {
        fprintf(stderr, "the answer was cut, filtered or refused\n");
    }
    return exo_reply_outcome(reply) == EXO_OUTCOME_COMPLETE;
}

static int converse(exo_client *client, exo_request *request)
{
    bool whole = true;
    bool goes_on = true;
    for (int turn = 0; whole && goes_on && turn < TURNS_MAX; turn++) {
        exo_reply *reply = exo_chat(client, request, print_text, stdout);
        whole = is_whole(reply);
        goes_on = whole && go_on(request, reply);
        exo_reply_free(reply);
    }
    if (goes_on) {
        fprintf(stderr, "no answer after %d turns\n", TURNS_MAX);
    }
    putchar('\n');
    return whole && !goes_on ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s MODEL QUESTION\n", argv[0]);
        return 2;
    }
    exo_client *client = exo_client_new(NULL);
    exo_deployment deployment = EXO_DEPLOYMENT_INIT;
    deployment.base_url = getenv("EXOCHAT_BASE_URL");
    deployment.api_key = getenv("EXOCHAT_API_KEY");
    if (exo_client_deploy(client, argv[1], &deployment) < 0) {
        fprintf(stderr, "%s\n", exo_client_message(client));
        exo_client_free(client);
        return 2;
    }

    exo_request *request = exo_request_new(argv[1]);
    exo_request_json(request, "tools", exo_span_text(weather));
    exo_request_text(request, EXO_USER, argv[2]);
    int status = converse(client, request);

    exo_request_free(request);
    exo_client_free(client);
    return status;
}
