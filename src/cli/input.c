/*
 * input.c: see input.h.
 */
#include "input.h"

#include "interrupt.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char *input_read_all(int file, size_t *len)
{
    size_t size = 16384;
    char *bytes = malloc(size);
    *len = 0;
    while (bytes) {
        if (size - *len < 2) {
            char *more = size <= SIZE_MAX / 2 ? realloc(bytes, size * 2) : NULL;
            if (!more) {
                errno = ENOMEM;
                break;
            }
            bytes = more;
            size *= 2;
        }
        ssize_t got = read(file, bytes + *len, size - *len - 1);
        if (got == 0) {
            bytes[*len] = '\0';
            return bytes;
        }
        if (got > 0) {
            *len += (size_t)got;
        } else if (errno != EINTR || interrupted()) {
            break;
        }
    }
    int error = errno;
    free(bytes);
    errno = error;
    return NULL;
}

bool input_read(const char *path, exo_span *bytes)
{
    bool standard = strcmp(path, "-") == 0;
    int file = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return false;
    }
    bytes->ptr = input_read_all(file, &bytes->len);
    if (!standard) {
        int error = errno;
        close(file);
        errno = error;
    }
    return bytes->ptr != NULL;
}

void input_explain(const char *option, const char *path)
{
    const char *why = strerror(errno);
    const char *first = path + strspn(path, " \t\r\n");
    if (*first == '{' || *first == '[') {
        say("--%s: a file expected, and not the JSON itself: write it to a file, or try <(echo '...')", option);
    } else {
        say("--%s: %s: %s", option, path, why);
    }
}

input_kind input_look(void)
{
    struct stat status;
    if (isatty(STDIN_FILENO) == 1) {
        return INPUT_NONE;
    }
    off_t at = fstat(STDIN_FILENO, &status) == 0 && S_ISREG(status.st_mode) ? lseek(STDIN_FILENO, 0, SEEK_CUR) : 0;
    return at <= 0 ? INPUT_WHOLE : at < status.st_size ? INPUT_BEGUN : INPUT_ENDED;
}

bool input_is_ready(int milliseconds)
{
    struct pollfd input = {STDIN_FILENO, POLLIN, 0};
    return poll(&input, 1, milliseconds) != 0;
}
