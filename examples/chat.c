/*
 * chat.c: one question, streamed to the terminal. The example of the README.
 *
 *     cc chat.c $(pkg-config --cflags --libs exochat) -o chat
 *     EXOCHAT_BASE_URL=https://api.openai.com/v1 EXOCHAT_API_KEY=… ./chat gpt-4o-mini 'Why is the sky blue?'
 */
#include <exochat/client.h>

#include <stdio.h>
#include <stdlib.h>

static void print_text(void *out, exo_span text)
{
    fwrite(text.ptr, 1, text.len, out);
    fflush(out);
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
    exo_request_text(request, EXO_USER, argv[2]);

    exo_reply *reply = exo_chat(client, request, print_text, stdout);
    const exo_failure *failure = exo_reply_failure(reply);
    putchar('\n');
    if (failure) {
        fprintf(stderr, "%s: %s\n", exo_error_text(failure->code),
                failure->message[0] ? failure->message : exo_error_advice(failure->code));
    } else if (exo_reply_outcome(reply) != EXO_OUTCOME_COMPLETE) {
        fprintf(stderr, "the answer was cut, filtered or refused\n");
    }
    int status = exo_reply_outcome(reply) == EXO_OUTCOME_COMPLETE ? 0 : 1;

    exo_reply_free(reply);
    exo_request_free(request);
    exo_client_free(client);
    return status;
}
