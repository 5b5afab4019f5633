/*
 * seldom.h: a word for functions that are called seldom by one that is called often: they are kept apart from it, so
 * that it need not save for them what it does not use itself.
 *
 * Private to src/core. A build for small machines has no use for it: there what is called once is cheaper in place.
 */
#ifndef EXO_CORE_SELDOM_H
#define EXO_CORE_SELDOM_H

#if !defined EXO_SMALL && defined __GNUC__
#define SELDOM __attribute__((noinline))
#else
#define SELDOM
#endif

#endif
