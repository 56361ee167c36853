/*
 * observer.c: an /init that leaves a process behind and becomes /pid1, the image's own PID 1. That process prints a line
 * for each process of a user other than root: the user, the core scheduling cookie, and the state of speculative store
 * bypass. PID 1 changes the user of a program after it has isolated it.
 *
 * Build it with gcc -static -O2.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <linux/prctl.h>

/* Copies the value of a field in /proc/PID/status. Here /proc is at /dev. */
static int field(int pid, const char *name, char *value, size_t size)
{
    char path[32], line[256];
    size_t length = strlen(name);
    int found = 0;

    snprintf(path, sizeof(path), "/dev/%d/status", pid);
    FILE *f = fopen(path, "r");
    while (f && !found && fgets(line, sizeof(line), f)) {
        if (!strncmp(line, name, length)) {
            line[strcspn(line, "\n")] = 0;
            snprintf(value, size, "%s", line + length);
            found = 1;
        }
    }
    if (f) {
        fclose(f);
    }
    return found;
}

static void observe(int pid)
{
    static char seen[1 << 15];
    unsigned long long cookie = 0;
    char user[64], bypass[64];

    if (pid <= 0 || pid >= (int)sizeof(seen) || seen[pid] || !field(pid, "Uid:\t", user, sizeof(user)) || !atoi(user)
        || !field(pid, "Speculation_Store_Bypass:\t", bypass, sizeof(bypass))) {
        return;
    }
    seen[pid] = 1;
    prctl(PR_SCHED_CORE, PR_SCHED_CORE_GET, pid, PR_SCHED_CORE_SCOPE_THREAD, &cookie);
    printf("observer: %d, %llu, %s\n", atoi(user), cookie, bypass);
    fflush(stdout);
}

int main(void)
{
    char *arguments[] = { "init", NULL };

    if (fork()) {
        execv("/pid1", arguments);
        return 1;
    }
    /* Its own mounts, so that PID 1 finds none. */
    if (unshare(CLONE_NEWNS) || mount("proc", "/dev", "proc", 0, 0)) {
        return 1;
    }
    for (;; usleep(20000)) {
        DIR *processes = opendir("/dev");

        for (struct dirent *entry; processes && (entry = readdir(processes));) {
            observe(atoi(entry->d_name));
        }
        closedir(processes);
    }
}
