/* attacks.c: what the build script of a crate could try against the machine that builds. walls.sh compiles it inside the
 * walls with the compiler of the build root, and runs it there. It prints a line for each attack, and ends with status 1 if
 * one succeeded. An attack that succeeds leaves the machine as it was.
 *
 * attacks PID PORT SOCKET MARKER... [-- NAMESPACE...]
 *   PID        a process of the machine
 *   PORT       a TCP server on its loopback interface
 *   SOCKET     a Unix server in its abstract namespace
 *   MARKER     a file of the machine that no build needs
 *   NAMESPACE  a namespace of the machine, as in /proc/self/ns
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int succeeded;

static void attack(const char *name, int success)
{
    printf("%s %s\n", success ? "SUCCEEDED" : "failed", name);
    succeeded |= success;
}

static int can_open(const char *path, int flags)
{
    int file = open(path, flags, 0644);
    if (file < 0)
        return 0;
    close(file);
    return 1;
}

/* in_child: whether the attack succeeds in a process of its own, which the attack may change */
static int in_child(int (*try)(void *), void *argument)
{
    pid_t child = fork();
    if (child == 0)
        _exit(try(argument) ? 0 : 1);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int sees(char **markers)
{
    for (; *markers && strcmp(*markers, "--"); markers++)
        if (can_open(*markers, O_RDONLY))
            return 1;
    return 0;
}

/* The classic way out of a chroot: keep a folder open, enter a deeper root, and climb from the folder. */
static int climb(void *markers)
{
    int folder = open("/", O_RDONLY | O_DIRECTORY);
    mkdir("/tmp/deeper", 0755);
    if (chroot("/tmp/deeper") != 0 || fchdir(folder) != 0)
        return 0;
    for (int i = 0; i < 64; i++)
        if (chdir("..") != 0)
            break;
    return chroot(".") == 0 && sees(markers);
}

static int climb_without_root(void *markers)
{
    char **marker = markers, path[4096];
    for (; *marker && strcmp(*marker, "--"); marker++) {
        const char *from[] = { "/../../../..", "/proc/1/root", "/proc/1/cwd/../../..", "/proc/self/root/..", "/build/../.." };
        for (unsigned i = 0; i < sizeof from / sizeof *from; i++) {
            snprintf(path, sizeof path, "%s%s", from[i], *marker);
            if (can_open(path, O_RDONLY))
                return 1;
        }
    }
    return 0;
}

static int new_user(void *unused) { (void)unused; return unshare(CLONE_NEWUSER) == 0; }
static int new_mounts(void *unused) { (void)unused; return unshare(CLONE_NEWNS) == 0; }
static int become_root(void *unused) { (void)unused; return setuid(0) == 0 || setresuid(0, 0, 0) == 0 || setgid(0) == 0; }

static int take_capabilities(void *unused)
{
    (void)unused;
    struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
    for (int number = 0; number <= 40; number++) {
        struct __user_cap_data_struct data[2] = { { 0 } };
        data[number / 32].effective = data[number / 32].permitted = data[number / 32].inheritable = 1u << number % 32;
        if (syscall(SYS_capset, &header, data) == 0 || prctl(PR_CAPBSET_READ, number) == 1)
            return 1;
    }
    return 0;
}

static int has_only(const char *folder, const char *const *names)
{
    DIR *open = opendir(folder);
    for (struct dirent *entry; open && (entry = readdir(open));) {
        const char *const *name = names;
        while (*name && strcmp(*name, entry->d_name))
            name++;
        if (!*name) {
            printf("%s has %s\n", folder, entry->d_name);
            return 0;
        }
    }
    return open != NULL;
}

static int has_descriptors(void)
{
    for (int i = 0; i < 4096; i++) {
        struct stat status;
        if (fstat(i, &status) == 0 && (i > 2 || S_ISDIR(status.st_mode) || isatty(i)))
            return 1;
    }
    return 0;
}

static int connects(int family, const void *address, socklen_t length)
{
    int s = socket(family, SOCK_STREAM, 0);
    return s >= 0 && connect(s, address, length) == 0;
}

int main(int count, char **words)
{
    if (count < 5)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    attack("inherit a descriptor or a terminal", has_descriptors());
    attack("inherit the environment", getenv("CAPELET_TEST_SECRET") != NULL);

    const char *closed[] = { "/x", "/usr/x", "/usr/bin/x", "/etc/x", "/src/x", "/dev/x", "/proc/x", "/build/../x" };
    for (unsigned i = 0; i < sizeof closed / sizeof *closed; i++) {
        char name[64];
        snprintf(name, sizeof name, "write %s", closed[i]);
        attack(name, can_open(closed[i], O_WRONLY | O_CREAT));
    }
    attack("change an input", can_open("/src/attacks.c", O_WRONLY) || chmod("/src/attacks.c", 0777) == 0
        || unlink("/src/attacks.c") == 0 || rename("/src/attacks.c", "/src/y") == 0);
    attack("change a program of the root", can_open("/usr/bin/gcc-12", O_WRONLY) || chmod("/usr/bin/gcc-12", 0777) == 0);
    attack("change a device", chmod("/dev/null", 0666) == 0 || chown("/dev/null", 0, 0) == 0);
    const char *const devices[] = { ".", "..", "null", "zero", "full", "random", "urandom", "fd", "stdin", "stdout", "stderr", NULL };
    attack("find another device", !has_only("/dev", devices));

    attack("read a file of the machine", sees(words + 4));
    attack("read it by a way out without a privilege", climb_without_root(words + 4));
    attack("leave the root by an open folder", in_child(climb, words + 4));
    attack("find settings of the kernel", can_open("/proc/sys", O_RDONLY) || can_open("/proc/sysrq-trigger", O_WRONLY)
        || can_open("/sys/kernel", O_RDONLY) || can_open("/proc/kcore", O_RDONLY));

    attack("mount a file system", mount("tmpfs", "/tmp", "tmpfs", 0, "") == 0 || mount("proc", "/tmp", "proc", 0, "") == 0);
    attack("mount a folder elsewhere", mount("/", "/tmp", "", MS_BIND | MS_REC, "") == 0);
    attack("make the root writable", mount("", "/", "", MS_REMOUNT | MS_BIND, "") == 0 || mount("", "/src", "", MS_REMOUNT | MS_BIND, "") == 0);
    attack("unmount", umount2("/build", MNT_DETACH) == 0 || umount2("/src", MNT_DETACH) == 0 || umount2("/", MNT_DETACH) == 0);
    attack("copy the mounts", syscall(428 /* open_tree */, AT_FDCWD, "/", 1 /* OPEN_TREE_CLONE */) >= 0);
    attack("make a device", mknod("/build/memory", S_IFCHR | 0666, makedev(1, 1)) == 0
        || mknod("/tmp/disk", S_IFBLK | 0666, makedev(254, 0)) == 0);

    pid_t pid = atoi(words[1]);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    attack("see a process of the machine", can_open(path, O_RDONLY) || kill(pid, 0) == 0 || errno == EPERM);
    attack("trace a process of the machine", ptrace(PTRACE_ATTACH, pid, NULL, NULL) == 0);

    struct sockaddr_in loopback = { .sin_family = AF_INET, .sin_port = htons(atoi(words[2])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    attack("connect to a server on loopback", connects(AF_INET, &loopback, sizeof loopback));
    struct sockaddr_un abstract = { .sun_family = AF_UNIX };
    strncpy(abstract.sun_path + 1, words[3], sizeof abstract.sun_path - 2);
    attack("connect to a Unix server", connects(AF_UNIX, &abstract, sizeof(sa_family_t) + 1 + strlen(words[3])));
    attack("send raw packets", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0 || socket(AF_PACKET, SOCK_RAW, 0) >= 0);

    attack("be root, or become it", getuid() == 0 || geteuid() == 0 || getgid() == 0 || in_child(become_root, NULL));
    attack("have or take a capability", in_child(take_capabilities, NULL));
    attack("gain privileges by a program", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1);
    attack("make a user namespace", in_child(new_user, NULL));
    attack("make a mount namespace", in_child(new_mounts, NULL));
    char host[65] = "";
    gethostname(host, sizeof host - 1);
    attack("change the host name", sethostname(host, strlen(host)) == 0);

    while (*words && strcmp(*words, "--"))
        words++;
    for (int shared = 0; *words && *++words; shared = 0) {
        const char *const kinds[] = { "mnt", "pid", "net", "ipc", "uts", "cgroup" };
        char link[64], own[64];
        for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
            snprintf(link, sizeof link, "/proc/self/ns/%s", kinds[i]);
            ssize_t length = readlink(link, own, sizeof own - 1);
            own[length < 0 ? 0 : length] = 0;
            shared |= !strcmp(own, *words);
        }
        snprintf(link, sizeof link, "share the namespace %s", *words);
        attack(link, shared);
    }

    /* A process that stays: it has left its session and its parent. walls.sh looks for it. */
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            char *const stay[] = { "capelet-survivor", "600", NULL };
            execv("/usr/bin/sleep", stay);
        }
        _exit(0);
    }
    wait(NULL);
    printf("a terminal obeys \033]0;this\007 and \302\233this\n");
    return succeeded;
}
