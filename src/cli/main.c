/*
 * main.c: the exochat command: which of its commands is meant.
 */
#include "chat.h"
#include "check.h"
#include "debug.h"
#include "exit_code.h"
#include "interrupt.h"
#include "models.h"
#include "options.h"
#include "say.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Opens what the caller has closed of the standard streams, so that no file or socket is taken for one of them. False:
 * nothing could be printed. */
static bool main_fill_standard_streams(void)
{
    const int flags = fcntl(STDOUT_FILENO, F_GETFL);
    int file = 0;
    while (file >= 0 && file <= STDERR_FILENO) {
        file = open("/dev/null", O_RDWR);
    }
    if (file > STDERR_FILENO) {
        close(file);
    }
    return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
}

int main(int argc, char **argv)
{
    cli_options options;
    int exit_code;
    bool usable = main_fill_standard_streams();
    interrupt_ignore_pipe();
    if (!usable) {
        say("standard output is closed: an answer would be lost, so nothing is asked");
        return EXIT_FAILED;
    }
    if (argc > 1 && strcmp(argv[1], "debug") == 0) {
        return debug_command(argc - 1, argv + 1);
    }
    if (options_read(&options, argc, argv, &exit_code)) {
        exit_code = options.command == COMMAND_MODELS  ? models_command(&options)
                    : options.command == COMMAND_CHECK ? check_command(&options)
                                                       : chat_command(&options);
    }
    options_free(&options);
    return exit_code;
}
