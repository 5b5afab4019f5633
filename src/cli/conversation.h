/*
 * conversation.h: --continue: a file of messages to which a turn and its answer are added.
 *
 * The file is read, then a new one is begun beside it, with the turn: so whatever stands in the way of keeping the
 * answer is found before it is paid for. Only a whole answer puts the new file in the place of the old one. What is in
 * memory is what the file holds; the turn goes from its sources to the new file.
 */
#ifndef EXO_CLI_CONVERSATION_H
#define EXO_CLI_CONVERSATION_H

#include "setup.h"

#include <stdio.h>
#include <sys/stat.h>

/* A file of messages, and the one that is to take its place. Begin with all bytes 0. */
typedef struct conversation {
    const char *name; /* as it was typed */
    char *path;       /* where that leads */
    exo_span json;    /* what it holds, or an empty list */
    size_t tail;      /* where the bracket stands that ends the list */
    size_t count;     /* how many messages it holds */
    bool has_system;  /* the first of them is the system message of the command line */
    bool answered;    /* the last of them is an answer */
    bool there;
    struct stat before;
    char *next_path;
    FILE *next;
} conversation;

/* Reads the file that --continue names. False: it cannot be gone on with, and that was said. */
bool conversation_open(conversation *c, const cli_options *options);

/* Begins the new file with what the old one holds and what is new in `request`, as it is sent to `model`. False: that
 * cannot be kept, and it was said. */
bool conversation_begin(conversation *c, const cli_setup *setup, const exo_request *request, const char *model);

/* Adds a whole answer as the next request repeats it, and puts the new file in place. False: that failed, and it was
 * said. */
bool conversation_keep(conversation *c, const cli_setup *setup, const exo_reply *reply, const char *model);

/* Frees all, and removes a new file that was not put in place. */
void conversation_close(conversation *c);

#endif
