/* SPDX-License-Identifier: GPL-3.0-or-later
 * box.c - the end of a thread that has crashed: what it was doing goes to its black box (box.h).
 *
 * The handler runs on a stack of its own, calls nothing but what may be called in one (tgkill,
 * getpid, gettid, sigaction, the unwinder, which was called once before), and writes to nothing but
 * the page. What is safest comes first: all signals are blocked in it, so that a second fault ends
 * the process at once, with what is written by then. Then the signal does what it does by default.
 * A SIGABRT of the supervisor carries the number of a box: the thread that is stuck gets it.
 */
#include <errno.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include "core.h"

enum { STACK_BYTES = 64 * 1024 };

_Thread_local struct box *box_here;

static struct black_box *page; /* not NULL: crashes are caught */
static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};

static const char *const names[CALL_MAX] = {
    "",        "on_load",   "on_unload", "work",   "done",     "on_open",
    "on_data", "on_datagrams", "on_eof", "on_room", "on_timer", "on_mail",
    "on_bounce", "on_down", "on_conf",   "on_leave", "on_close",
    "on_save", "on_restore",
};

const char *call_name(uint64_t call)
{
    return call < CALL_MAX ? names[call] : "";
}

/* ---- the handler ---- */

static uint64_t stood_at(const void *context)
{
    const ucontext_t *c = context;
#if defined __x86_64__
    return (uint64_t)c->uc_mcontext.gregs[REG_RIP];
#elif defined __aarch64__
    return c->uc_mcontext.pc;
#else
    (void)c;
    return 0;
#endif
}

/* Whom it would have returned to, had it only just been called: after a call to nowhere. */
static uint64_t called_from(const void *context)
{
    const ucontext_t *c = context;
    uint64_t at = 0;
#if defined __x86_64__
    memcpy(&at, (const void *)(uintptr_t)c->uc_mcontext.gregs[REG_RSP], sizeof at);
#elif defined __aarch64__
    at = c->uc_mcontext.regs[30];
#else
    (void)c;
#endif
    return at;
}

struct walk {
    struct box *box;
    uint64_t from; /* frames before it are the handler's own */
    bool began;
};

static _Unwind_Reason_Code keep_frame(struct _Unwind_Context *frame, void *user)
{
    struct walk *walk = user;
    struct box *b = walk->box;
    uint64_t at = _Unwind_GetIP(frame);
    if (!walk->began) {
        walk->began = at == walk->from;
        return _URC_NO_REASON;
    }
    if (!at || b->frames_n >= BOX_FRAMES) return _URC_END_OF_STACK;
    b->frames[b->frames_n++] = at;
    return _URC_NO_REASON;
}

static void keep_frames(struct box *b, const void *context)
{
    struct walk walk = {b, stood_at(context), false};
    b->frames[0] = walk.from;
    b->frames_n = 1;
    (void)_Unwind_Backtrace(keep_frame, &walk);
    if (walk.began && b->frames_n > 1) return;
    b->frames[b->frames_n] = called_from(context);
    b->frames_n++;
}

static void keep_bytes(struct box *b, gyre_view v)
{
    b->bytes_of = v.n < UINT32_MAX ? (uint32_t)v.n : UINT32_MAX;
    b->bytes_n = v.n < BOX_BYTES ? (uint32_t)v.n : BOX_BYTES;
    memcpy(b->bytes, v.p, b->bytes_n);
}

/* For whom the callback ran, and with what. */
static void keep_actor(struct box *b, const struct worker *w)
{
    struct actor *a = w->calling;
    uint64_t call = atomic_load_explicit(&b->call, memory_order_relaxed) & 0xff;
    if (!a || call == CALL_NONE) return;
    b->connection = w->slots[a->slot].id;
    if (call == CALL_ON_DATAGRAMS) {
        b->datagrams = w->given_n;
        b->peer = w->given_from->peer;
        b->has_peer = 1;
    } else if (a->flags & A_STREAM) {
        static const gyre_addr none;
        b->peer = stream_of(a)->peer;
        b->has_peer = memcmp(&b->peer, &none, sizeof none) != 0;
    }
    if (call == CALL_ON_DATA || call == CALL_ON_DATAGRAMS) keep_bytes(b, w->given);
}

/* true: it was for another thread. */
static bool pass_on(int signal, const siginfo_t *info)
{
    int at = info->si_value.sival_int - 1;
    if (signal != SIGABRT || info->si_code != SI_QUEUE || at < 0 || at >= BOXES) return false;
    uint32_t thread = atomic_load(&page->of[at].thread);
    if (&page->of[at] == box_here || !thread) return false;
    (void)tgkill(getpid(), (pid_t)thread, SIGABRT);
    return true;
}

static void crashed(int signal, siginfo_t *info, void *context)
{
    struct box *b = box_here ? box_here : &page->of[BOX_OTHER];
    uint32_t nobody = 0;
    struct sigaction plain = {.sa_handler = SIG_DFL};
    int saved = errno;
    if (pass_on(signal, info)) {
        errno = saved;
        return;
    }
    (void)atomic_compare_exchange_strong(&page->first, &nobody, (uint32_t)(b - page->of) + 1);
    atomic_store(&b->signal, (uint32_t)signal);
    b->code = info->si_code;
    if (signal == SIGSYS) b->address = (uint64_t)info->si_syscall;
    else if (signal != SIGABRT) b->address = (uint64_t)(uintptr_t)info->si_addr;
    if (worker_here && b == worker_here->box) keep_actor(b, worker_here);
    keep_frames(b, context);
    (void)sigaction(signal, &plain, NULL);
    (void)tgkill(getpid(), gettid(), signal); /* comes when this returns */
}

/* ---- beginning ---- */

static _Unwind_Reason_Code first_frame(struct _Unwind_Context *frame, void *user)
{
    (void)frame;
    (void)user;
    return _URC_END_OF_STACK;
}

/* What is left of the stack may be nothing. Lives as long as the process. */
static void own_stack(void)
{
    stack_t stack = {.ss_size = STACK_BYTES};
    sigset_t ours;
    stack.ss_sp = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack.ss_sp == MAP_FAILED || sigaltstack(&stack, NULL) != 0)
        log_warn("no memory for the stack of a crash: its report will be short");
    (void)sigemptyset(&ours);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        (void)sigaddset(&ours, signals[i]);
    (void)pthread_sigmask(SIG_UNBLOCK, &ours, NULL);
}

void box_thread(struct black_box *boxes, uint32_t index)
{
    box_here = &boxes->of[index];
    atomic_store(&box_here->thread, (uint32_t)gettid());
    if (page) own_stack();
}

void box_begin(struct black_box *boxes)
{
    struct sigaction how = {.sa_sigaction = crashed, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    (void)_Unwind_Backtrace(first_frame, NULL); /* it may load something the first time */
    page = boxes;
    box_modules(boxes);
    box_thread(boxes, BOX_CONTROL);
    (void)sigfillset(&how.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        (void)sigaction(signals[i], &how, NULL);
}

static int keep_module(struct dl_phdr_info *info, size_t size, void *user)
{
    struct black_box *boxes = user;
    uint32_t n = atomic_load(&boxes->modules_n);
    (void)size;
    if (n >= BOX_MODULES) return 1;
    struct box_module *m = &boxes->modules[n];
    const char *name = strrchr(info->dlpi_name, '/');
    m->from = info->dlpi_addr;
    m->to = m->from;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *h = &info->dlpi_phdr[i];
        if (h->p_type == PT_LOAD && m->from + h->p_vaddr + h->p_memsz > m->to)
            m->to = m->from + h->p_vaddr + h->p_memsz;
    }
    (void)snprintf(m->name, sizeof m->name, "%s", name ? name + 1 : info->dlpi_name);
    atomic_store(&boxes->modules_n, n + 1);
    return 0;
}

void box_modules(struct black_box *boxes)
{
    atomic_store(&boxes->modules_n, 0);
    (void)dl_iterate_phdr(keep_module, boxes);
}

void box_text(const char *where, const char *text)
{
    if (box_here) (void)snprintf(box_here->text, sizeof box_here->text, "%s: %s", where, text);
}
