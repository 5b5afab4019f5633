/*
 * parallel.c: many questions at once, on one thread, each answer printed when it is complete.
 *
 *     cc parallel.c $(pkg-config --cflags --libs exochat) -o parallel
 *     EXOCHAT_BASE_URL=https://api.openai.com/v1 EXOCHAT_API_KEY=… ./parallel gpt-4o-mini 'Why?' 'What for?' 'Since
 * when?'
 */
#include <exochat/client.h>

#include <stdio.h>
#include <stdlib.h>

/* Prints how a call went, and frees it. 1 where it did not come to a whole answer. */
static int finish(exo_call *call)
{
    exo_reply *reply = exo_call_reply(call);
    const exo_failure *failure = exo_reply_failure(reply);
    if (failure) {
        printf("%s: failed: %s\n", (const char *)exo_call_user(call), exo_error_text(failure->code));
    } else {
        exo_span text = exo_answer_text(exo_reply_answer(reply, 0));
        printf("%s: %.*s\n", (const char *)exo_call_user(call), (int)text.len, text.ptr);
    }
    int failures = exo_reply_outcome(reply) == EXO_OUTCOME_COMPLETE ? 0 : 1;
    exo_reply_free(reply);
    exo_call_free(call);
    return failures;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s MODEL QUESTION ...\n", argv[0]);
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

    exo_request **requests = calloc((size_t)argc, sizeof(exo_request *));
    for (int i = 2; i < argc; i++) {
        requests[i] = exo_request_new(argv[1]);
        exo_request_text(requests[i], EXO_USER, argv[i]);
        exo_call_start(client, requests[i], NULL, argv[i]);
    }

    int failures = 0;
    exo_event event;
    while (exo_client_next(client, -1, &event) == EXO_EVENT) {
        if (event.type == EXO_EVENT_END) {
            failures += finish(event.call);
        }
    }

    for (int i = 2; i < argc; i++) {
        exo_request_free(requests[i]);
    }
    free(requests);
    exo_client_free(client);
    return failures ? 1 : 0;
}
