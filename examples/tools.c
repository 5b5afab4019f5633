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

/* What a tool says; `call->arguments` is the JSON that the model made for it. */
static exo_span run_tool(const exo_tool_call *call)
{
    fprintf(stderr, "%.*s %.*s\n", (int)call->name.len, call->name.ptr, (int)call->arguments.len, call->arguments.ptr);
    return exo_span_text(exo_span_is(call->name, "get_weather") ? "4 degrees, sleet" : "there is no such tool");
}

/* Appends what the model said and what its tools say to that. Whether there were any. */
static bool go_on(exo_request *request, const exo_reply *reply)
{
    const exo_answer *answer = exo_reply_answer(reply, 0);
    exo_request_answer(request, reply);
    for (uint32_t i = 0; i < exo_answer_tool_calls(answer); i++) {
        exo_tool_call call;
        exo_answer_tool_call(answer, i, &call);
        exo_request_tool(request, call.id, run_tool(&call));
    }
    return exo_answer_tool_calls(answer) > 0;
}

static int converse(exo_client *client, exo_request *request)
{
    bool goes_on = true;
    int status = 0;
    for (int turn = 0; goes_on && status == 0 && turn < TURNS_MAX; turn++) {
        exo_reply *reply = exo_chat(client, request, print_text, stdout);
        const exo_failure *failure = reply ? exo_reply_failure(reply) : NULL;
        if (!reply || failure) {
            fprintf(stderr, "%s: %s\n", exo_error_text(failure ? failure->code : EXO_E_NO_MEMORY),
                    failure ? failure->message : "");
            status = 1;
        } else {
            goes_on = go_on(request, reply);
        }
        exo_reply_free(reply);
    }
    putchar('\n');
    return status;
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
