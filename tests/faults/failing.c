/* Makes the n-th call of one kind fail, on files below one folder, and sets the clock off.
 *
 * Loaded before the C library (LD_PRELOAD) into a real Parley and all it starts. What fails, where,
 * when and with which error stands in a file that the test and these processes map into their memory
 * (tests/faults/failing.py has the same fields). Nothing fails while `kind` is 0.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { WRITE = 1, SYNC = 2, OPEN = 4, RENAME = 8, REMOVE = 16, READ = 32, START = 64, OPEN_TO_WRITE = 128 };

struct order {
    int kind;       /* which calls, added up */
    int nth;        /* the first that fails, from 1 */
    int many;       /* so many fail from then on; 0: all */
    int error;      /* errno */
    int seen;       /* calls so far */
    int failed;     /* of them failed */
    long long skew; /* seconds that the clock of the day is off */
    char below[512];
};

static struct order *order;

__attribute__((constructor)) static void map_order(void) {
    const char *path = getenv("FAILING_ORDER");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *found = mmap(NULL, sizeof *order, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (found != MAP_FAILED) order = found;
}

static int counted(void) {
    int seen = __atomic_add_fetch(&order->seen, 1, __ATOMIC_SEQ_CST);
    if (seen < order->nth || (order->many && seen >= order->nth + order->many)) return 0;
    __atomic_add_fetch(&order->failed, 1, __ATOMIC_SEQ_CST);
    errno = order->error;
    return 1;
}

static int is_below(const char *path) {
    return path && !strncmp(path, order->below, strlen(order->below));
}

static int fails_at(int kind, const char *path) {
    return order && (order->kind & kind) && is_below(path) && counted();
}

static int fails_on(int kind, int file) {
    if (!order || !(order->kind & kind)) return 0;
    char link[64], path[PATH_MAX];
    int kept = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = kept;
    if (length < 0) return 0;
    path[length] = 0;
    return is_below(path) && counted();
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

ssize_t write(int f, const void *b, size_t n) { REAL(write); return fails_on(WRITE, f) ? -1 : real(f, b, n); }
ssize_t pwrite(int f, const void *b, size_t n, off_t o) { REAL(pwrite); return fails_on(WRITE, f) ? -1 : real(f, b, n, o); }
ssize_t pwrite64(int f, const void *b, size_t n, off64_t o) { REAL(pwrite64); return fails_on(WRITE, f) ? -1 : real(f, b, n, o); }
ssize_t writev(int f, const struct iovec *v, int n) { REAL(writev); return fails_on(WRITE, f) ? -1 : real(f, v, n); }
int ftruncate(int f, off_t n) { REAL(ftruncate); return fails_on(WRITE, f) ? -1 : real(f, n); }
int ftruncate64(int f, off64_t n) { REAL(ftruncate64); return fails_on(WRITE, f) ? -1 : real(f, n); }
ssize_t read(int f, void *b, size_t n) { REAL(read); return fails_on(READ, f) ? -1 : real(f, b, n); }
ssize_t pread(int f, void *b, size_t n, off_t o) { REAL(pread); return fails_on(READ, f) ? -1 : real(f, b, n, o); }
ssize_t pread64(int f, void *b, size_t n, off64_t o) { REAL(pread64); return fails_on(READ, f) ? -1 : real(f, b, n, o); }
int fsync(int f) { REAL(fsync); return fails_on(SYNC, f) ? -1 : real(f); }
int fdatasync(int f) { REAL(fdatasync); return fails_on(SYNC, f) ? -1 : real(f); }
int rename(const char *a, const char *b) { REAL(rename); return fails_at(RENAME, b) ? -1 : real(a, b); }
int unlink(const char *p) { REAL(unlink); return fails_at(REMOVE, p) ? -1 : real(p); }

static int fails_to_start(void) { return order && (order->kind & START) && counted(); }

int execve(const char *p, char *const a[], char *const e[]) { REAL(execve); return fails_to_start() ? -1 : real(p, a, e); }
int execv(const char *p, char *const a[]) { REAL(execv); return fails_to_start() ? -1 : real(p, a); }
int execvp(const char *p, char *const a[]) { REAL(execvp); return fails_to_start() ? -1 : real(p, a); }

static int opening(int flags) {
    return flags & (O_WRONLY | O_RDWR | O_CREAT) ? OPEN | OPEN_TO_WRITE : OPEN;
}

#define OPENS(name) \
    int name(const char *p, int flags, ...) { \
        REAL(name); \
        va_list rest; va_start(rest, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        return fails_at(opening(flags), p) ? -1 : real(p, flags, mode); \
    }
#define OPENS_AT(name) \
    int name(int at, const char *p, int flags, ...) { \
        REAL(name); \
        va_list rest; va_start(rest, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        return fails_at(opening(flags), p) ? -1 : real(at, p, flags, mode); \
    }
OPENS(open) OPENS(open64) OPENS_AT(openat) OPENS_AT(openat64)

static int of_day(clockid_t clock) { return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE; }

int clock_gettime(clockid_t clock, struct timespec *now) {
    REAL(clock_gettime);
    int done = real(clock, now);
    if (!done && order && of_day(clock)) now->tv_sec += order->skew;
    return done;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    REAL(gettimeofday);
    int done = real(now, zone);
    if (!done && order) now->tv_sec += order->skew;
    return done;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
