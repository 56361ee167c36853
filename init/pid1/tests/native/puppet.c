/* A core or a worker that makes the system calls that a test requests. It is static, like the real programs, and it has
 * no libc.
 *
 * A test controls it through descriptor CONTROL: 1 for a core, which may only receive and send; 0 for a worker, which
 * may only read and write. A request has eight words: its kind, six arguments, and the number of the system call. The
 * puppet first sends the address of `scratch`, then one word for each request. */
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "start.h"

#if CONTROL
#define GET(p, n) call(SYS_recvfrom, CONTROL, (long)(p), n, 0, 0, 0)
#define PUT(p, n) call(SYS_sendto, CONTROL, (long)(p), n, 0, 0, 0)
#else
#define GET(p, n) call(SYS_read, CONTROL, (long)(p), n, 0, 0, 0)
#define PUT(p, n) call(SYS_write, CONTROL, (long)(p), n, 0, 0, 0)
#endif

static void quit(int status) { call(SYS_exit_group, status, 0, 0, 0, 0, 0); }

static unsigned char scratch[1 << 16];

static void get(void *to, size_t left) {
  for (char *at = to; left;) {
    long n = GET(at, left);
    if (n <= 0) quit(99);
    at += n, left -= n;
  }
}

static void put(const void *from, size_t left) {
  for (const char *at = from; left;) {
    long n = PUT(at, left);
    if (n <= 0) quit(98);
    at += n, left -= n;
  }
}

int main(void) {
  uint64_t request[8], answer = (uint64_t)scratch;
  for (;;) {
    put(&answer, sizeof answer);
    get(request, sizeof request);
    const uint64_t *a = request + 1;
    switch (request[0]) {
      case 'w': get(scratch + a[0], a[1]); answer = 0; break;
      case 'r': put(scratch + a[0], a[1]); answer = 0; break;
      case 's': answer = call(a[6], a[0], a[1], a[2], a[3], a[4], a[5]); break;
      case 'l': for (;;) __asm__ volatile("");
      case 'd': *(volatile char *)8 = 1;
    }
  }
}
