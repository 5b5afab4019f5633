/*
 * main.c: the exochat command: which of its commands is meant.
 */
#include "chat.h"
#include "check.h"
#include "debug.h"
#include "interrupt.h"
#include "models.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Opens what the caller has closed of the standard streams, so that no file or socket is taken for one of them. */
static void main_fill_standard_streams(void)
{
    int file = 0;
    while (file >= 0 && file <= STDERR_FILENO) {
        file = open("/dev/null", O_RDWR);
    }
    if (file > STDERR_FILENO) {
        close(file);
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } commands[] = {{"models", models_command}, {"check", check_command}, {"debug", debug_command}};
    main_fill_standard_streams();
    interrupt_ignore_pipe();
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    return chat_command(argc, argv);
}
