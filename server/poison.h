/* SPDX-License-Identifier: GPL-3.0-or-later
 * poison.h - tells AddressSanitizer which bytes of a receive buffer may be read.
 *
 * The kernel fills these buffers behind its back. What the kernel owns is poisoned; of a buffer
 * that it handed over, exactly the bytes that came are not; given back, it is poisoned again. So
 * who reads past what came, or keeps a view past its callback, dies. Without it: nothing.
 */
#ifndef GYRE_POISON_H
#define GYRE_POISON_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISON 1
#endif
#endif
#ifndef POISON
#define POISON 0
#endif

#if POISON
#include <sanitizer/asan_interface.h>
#endif

static inline void poison(const void *p, size_t n)
{
#if POISON
    __asan_poison_memory_region(p, n);
#else
    (void)p, (void)n;
#endif
}

static inline void unpoison(const void *p, size_t n)
{
#if POISON
    __asan_unpoison_memory_region(p, n);
#else
    (void)p, (void)n;
#endif
}
#endif
