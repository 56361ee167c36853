/*
 * probe.c: an /init that inspects the kernel from inside. It prints each fact on the console, as a line "name: value".
 * test.py boots it and checks the facts. The probe then serves vsock until the host ends it:
 *
 *   port 7000  echoes until the peer closes
 *   port 7001  loads the other guest (CID xor 1). The first byte received is n. The probe makes n thousand connections
 *              at once to a port where nobody listens, and then 100 transfers through the other guest's port 7000. It
 *              answers how many connections were refused, and how many transfers came back unchanged.
 *   port 7002  ends the machine
 *
 * Build it with gcc -static -O2. It needs only what the release's kernel has.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/prctl.h>
#include <linux/vm_sockets.h>

enum { NOBODY = 7999, TRANSFERS = 100, TRANSFER_SIZE = 128 << 10, JOINED_PACKET = 2048, MANY = 20000 };

static void say(const char *name, const char *value)
{
    printf("%s: %s\n", name, value);
    fflush(stdout);
}

/* Prints the first line of a file, or the reason why it cannot be read. */
static void show(const char *name, const char *path)
{
    char line[2048] = "";
    FILE *f = fopen(path, "r");

    if (!f || !fgets(line, sizeof(line), f)) {
        snprintf(line, sizeof(line), "(%s)", strerror(errno));
    }
    line[strcspn(line, "\n")] = 0;
    say(name, line);
    if (f) {
        fclose(f);
    }
}

/* Prints whether a call was allowed, or its error. */
static void outcome(const char *name, long result)
{
    say(name, result >= 0 ? "allowed" : strerrorname_np(errno));
}

/* Tries as root every call that the kernel must refuse. */
static void try_calls(void)
{
    char page[4096] = "";

    outcome("io_uring_setup", syscall(SYS_io_uring_setup, 1, page));
    outcome("bpf", syscall(SYS_bpf, 0, page, sizeof(page)));
    outcome("userfaultfd", syscall(SYS_userfaultfd, 0));
    outcome("kexec_load", syscall(SYS_kexec_load, 0, 0, page, 0));
    outcome("init_module", syscall(SYS_init_module, page, 1, ""));
    outcome("process_vm_readv", syscall(SYS_process_vm_readv, getpid(), 0, 0, 0, 0, 0));
    outcome("add_key", syscall(SYS_add_key, "user", "a", "b", 1, -3));
    outcome("shmget", syscall(SYS_shmget, 0, 4096, 0600));
    outcome("io_setup", syscall(SYS_io_setup, 1, page));
    outcome("modify_ldt", syscall(SYS_modify_ldt, 0, page, 16));
    outcome("iopl", syscall(SYS_iopl, 3));
    outcome("socket inet", socket(AF_INET, SOCK_STREAM, 0));
    outcome("socket packet", socket(AF_PACKET, SOCK_RAW, 0));
    outcome("socket netlink", socket(AF_NETLINK, SOCK_RAW, 0));
    outcome("unshare user", unshare(CLONE_NEWUSER));
    outcome("open /dev/mem", open("/dev/mem", O_RDONLY));
    outcome("open /proc/kcore", open("/proc/kcore", O_RDONLY));
    outcome("write kernel.yama.ptrace_scope", write(open("/proc/sys/kernel/yama/ptrace_scope", O_WRONLY), "0", 1));

    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    outcome("ptrace", ptrace(PTRACE_ATTACH, child, 0, 0));
    kill(child, SIGKILL);
    waitpid(child, 0, 0);
}

/* The clock in microseconds. Under emulation it may advance by four milliseconds at a time. */
static long coarse(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Counts of the time stamp counter in a microsecond. */
static long stamps_in_microsecond(void)
{
    long from = coarse(), until;
    unsigned long stamp = __builtin_ia32_rdtsc();

    do {
        until = coarse();
    } while (until < from + 200000);
    return (__builtin_ia32_rdtsc() - stamp) / (until - from);
}

/* Forks a child that is bound to this CPU. With `cookie` it also gets a core scheduling cookie of its own. */
static pid_t fork_on(int cpu, int cookie)
{
    cpu_set_t only;
    pid_t child = fork();

    if (child == 0) {
        CPU_ZERO(&only);
        CPU_SET(cpu, &only);
        if (sched_setaffinity(0, sizeof(only), &only)
            || (cookie && prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, 0, PR_SCHED_CORE_SCOPE_THREAD, 0UL))) {
            _exit(1);
        }
    }
    return child;
}

/* Runs two processes for two seconds, each on its own CPU. One counts. The other one looks for moments in which both
 * run: the count changes within 20 microseconds. A moment that lasts a millisecond or longer was interrupted and is left
 * out. Prints how many moments of how many. */
static void run_beside(const char *name, int cookies)
{
    volatile long *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    unsigned long microsecond = stamps_in_microsecond();
    pid_t counter = fork_on(0, cookies), observer;
    char text[64];

    if (counter == 0) {
        for (;;) {
            ++shared[0];
        }
    }
    observer = fork_on(1, cookies);
    if (observer == 0) {
        for (unsigned long start = __builtin_ia32_rdtsc(), from = start; from < start + 2000000 * microsecond;) {
            long before = shared[0];

            from = __builtin_ia32_rdtsc();
            while (__builtin_ia32_rdtsc() < from + 20 * microsecond) {
            }
            if (__builtin_ia32_rdtsc() < from + 1000 * microsecond) {
                shared[1] += shared[0] != before;
                ++shared[2];
            }
        }
        _exit(0);
    }
    waitpid(observer, 0, 0);
    kill(counter, SIGKILL);
    waitpid(counter, 0, 0);
    snprintf(text, sizeof(text), "%ld of %ld", shared[1], shared[2]);
    say(name, shared[0] && shared[2] ? text : "did not run");
}

/* Prints what the machine offers against observation by a program on a sibling thread, and tries it. */
static void core_scheduling(void)
{
    unsigned long long cookie = 0;
    int result = prctl(PR_SCHED_CORE, PR_SCHED_CORE_GET, 0, PR_SCHED_CORE_SCOPE_THREAD, &cookie);

    outcome("core scheduling", result);
    show("spec_store_bypass", "/sys/devices/system/cpu/vulnerabilities/spec_store_bypass");
    show("spectre_v2", "/sys/devices/system/cpu/vulnerabilities/spectre_v2");
    if (result == 0) {
        run_beside("beside without cookies", 0);
        run_beside("beside with cookies", 1);
    }
}

static int vsock_socket(int flags)
{
    struct timeval patience = { .tv_sec = 60 }; /* the default of two seconds is too short for a busy emulator */
    int s = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

    setsockopt(s, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &patience, sizeof(patience));
    return s;
}

static int vsock_connect(unsigned cid, unsigned port)
{
    struct sockaddr_vm to = { .svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port };
    int s = vsock_socket(0);

    if (connect(s, (struct sockaddr *)&to, sizeof(to)) == 0) {
        return s;
    }
    close(s);
    return -1;
}

static int vsock_listen(unsigned port)
{
    struct sockaddr_vm at = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = port };
    int s = vsock_socket(0);

    if (bind(s, (struct sockaddr *)&at, sizeof(at)) || listen(s, 1024)) {
        say("listen", strerrorname_np(errno));
    }
    return s;
}

/* Sends a heartbeat to the parent, and prints whether it was answered. */
static void heartbeat(void)
{
    unsigned char byte = 0xB7;
    int s = vsock_connect(3, 9000);

    say("heartbeat", s >= 0 && write(s, &byte, 1) == 1 && read(s, &byte, 1) == 1 && byte == 0xB7 ? "answered"
        : "not answered");
    close(s);
}

/* Returns every byte until the peer closes. `size` limits one read. */
static void echo(int s, size_t size)
{
    static char buffer[65536];
    ssize_t n;

    while ((n = read(s, buffer, size)) > 0) {
        for (ssize_t done = 0, m; done < n; done += m) {
            if ((m = write(s, buffer + done, n - done)) <= 0) {
                return;
            }
        }
    }
}

/* The byte at this position of every transfer. */
static unsigned char pattern(size_t at)
{
    return at * 31 >> 5;
}

/* Makes one transfer of the load. Returns 1 if all bytes came back unchanged. */
static int transfer(unsigned cid)
{
    static unsigned char out[JOINED_PACKET], in[65536];
    size_t sent = 0, got = 0;
    int s = vsock_connect(cid, 7000);

    if (s < 0) {
        return 0;
    }
    fcntl(s, F_SETFL, O_NONBLOCK);
    while (got < TRANSFER_SIZE) {
        struct pollfd p = { .fd = s, .events = POLLIN | (sent < TRANSFER_SIZE ? POLLOUT : 0) };
        ssize_t n;

        if (poll(&p, 1, 60000) <= 0) {
            return 0;
        }
        for (size_t i = 0; i < sizeof(out); ++i) {
            out[i] = pattern(sent + i);
        }
        n = TRANSFER_SIZE - sent < sizeof(out) ? TRANSFER_SIZE - sent : sizeof(out);
        n = n > 0 ? write(s, out, n) : 0;
        sent += n > 0 ? n : 0;
        n = read(s, in, sizeof(in));
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            return 0;
        }
        for (ssize_t i = 0; i < n; ++i) {
            if (in[i] != pattern(got++)) {
                return 0;
            }
        }
    }
    return 1;
}

/* Starts n connections before it waits for the first answer, so that n replies arrive at once. Returns how many were
 * refused. */
static int refused(unsigned cid, int n)
{
    struct sockaddr_vm to = { .svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = NOBODY };
    struct rlimit files = { MANY + 100, MANY + 100 };
    static int s[MANY];
    int count = 0;

    setrlimit(RLIMIT_NOFILE, &files);
    for (int i = 0; i < n; ++i) {
        s[i] = vsock_socket(SOCK_NONBLOCK);
    }
    for (int i = 0; i < n; ++i) {
        connect(s[i], (struct sockaddr *)&to, sizeof(to));
    }
    for (int i = 0; i < n; ++i) {
        struct pollfd p = { .fd = s[i], .events = POLLOUT };
        int error = 0;
        socklen_t len = sizeof(error);

        if (poll(&p, 1, 20000) <= 0) {
            break;
        }
        getsockopt(s[i], SOL_SOCKET, SO_ERROR, &error, &len);
        count += error == ECONNRESET;
        close(s[i]);
    }
    return count;
}

/* Loads the other guest, and answers on s. */
static void load(int s)
{
    struct sockaddr_vm me;
    socklen_t len = sizeof(me);
    unsigned char thousands = 0;
    int whole = 0, status, count;
    char answer[64];

    if (read(s, &thousands, 1) != 1 || thousands > MANY / 1000 || getsockname(s, (struct sockaddr *)&me, &len)) {
        return;
    }
    count = refused(me.svm_cid ^ 1, thousands * 1000);
    for (int i = 0; i < TRANSFERS; ++i) {
        if (fork() == 0) {
            _exit(transfer(me.svm_cid ^ 1));
        }
    }
    while (wait(&status) > 0) {
        whole += WIFEXITED(status) && WEXITSTATUS(status) == 1;
    }
    write(s, answer, snprintf(answer, sizeof(answer), "refused %d, whole %d\n", count, whole));
}

int main(void)
{
    struct pollfd ports[3];

    mount("proc", "/proc", "proc", 0, 0);
    mount("sysfs", "/sys", "sysfs", 0, 0);
    mount("devtmpfs", "/dev", "devtmpfs", 0, 0);
    show("uptime", "/proc/uptime");
    show("version", "/proc/version");
    show("cmdline", "/proc/cmdline");
    show("rng_current", "/sys/class/misc/hw_random/rng_current");
    show("nsm", "/sys/class/misc/nsm/dev");
    show("free", "/proc/meminfo");
    show("ptrace_scope", "/proc/sys/kernel/yama/ptrace_scope");
    show("lockdown", "/sys/kernel/security/lockdown");
    try_calls();
    heartbeat();
    core_scheduling();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    for (int i = 0; i < 3; ++i) {
        ports[i] = (struct pollfd){ .fd = vsock_listen(7000 + i), .events = POLLIN };
    }
    say("probe", "ready");
    while (poll(ports, 3, 1000) >= 0) {
        while (waitpid(-1, 0, WNOHANG) > 0) {
        }
        for (int i = 0; i < 3; ++i) {
            struct sockaddr_vm peer;
            socklen_t len = sizeof(peer);
            int s = ports[i].revents & POLLIN ? accept4(ports[i].fd, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC) : -1;

            if (s < 0) {
                continue;
            }
            if (i == 2) {
                say("probe", "ends");
                reboot(RB_AUTOBOOT);
            }
            if (fork() == 0) {
                if (i == 1) {
                    load(s);
                } else {
                    echo(s, peer.svm_cid > 3 ? JOINED_PACKET : 65536);
                }
                _exit(0);
            }
            close(s);
        }
    }
    reboot(RB_AUTOBOOT);
}
