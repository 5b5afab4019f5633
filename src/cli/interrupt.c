/*
 * interrupt.c: see interrupt.h.
 */
#include "interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>

static volatile sig_atomic_t came;

static void interrupt_note(int number)
{
    (void)number;
    came = 1;
}

/* A signal that was ignored when the command began stays so: that is how a shell starts jobs in the background. */
static void interrupt_catch_one(int number)
{
    struct sigaction action;
    struct sigaction before;
    memset(&action, 0, sizeof action);
    action.sa_handler = interrupt_note;
    action.sa_flags = (int)SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
        sigaction(number, &action, NULL);
    }
}

void interrupt_ignore_pipe(void)
{
    signal(SIGPIPE, SIG_IGN);
}

void interrupt_catch(void)
{
    interrupt_catch_one(SIGINT);
    interrupt_catch_one(SIGTERM);
}

bool interrupted(void)
{
    return came != 0;
}
