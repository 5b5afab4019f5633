/*
 * seldom.h: a word for functions that are called seldom by one that is called often: they are kept apart from it, so
 * that it need not save for them what it does not use itself. And one for the opposite: a part of whoever calls it,
 * made for each anew by what that one knows.
 *
 * Private to src/core. A build for small machines has no use for it: there what is called once is cheaper in place.
 */
#ifndef EXO_CORE_SELDOM_H
#define EXO_CORE_SELDOM_H

#if !defined EXO_SMALL && defined __GNUC__
#define SELDOM __attribute__((noinline))
#define OFTEN  __attribute__((always_inline)) inline
#else
#define SELDOM
#define OFTEN inline
#endif

#endif
