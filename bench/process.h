/*
 * process.h: what this process costs: its processor time and its memory.
 */
#ifndef EXO_BENCH_PROCESS_H
#define EXO_BENCH_PROCESS_H

/* Seconds of processor time so far. */
double processor_seconds(void);

/* Bytes of resident memory. */
double resident(void);

/* Bytes of memory that no other process has too. */
double private_bytes(void);

/* Lets it have as many files and sockets as it may. */
void allow_files(void);

#endif
