/* Calls the functions of libc that WASI supports. Each line of output has one result, and the test compares it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *outcome(int result) { return result == 0 ? "ok" : strerror(errno); }

static void list(const char *path) {
    DIR *directory = opendir(path);
    printf("list %s:", path);
    for (struct dirent *entry; directory && (entry = readdir(directory));)
        printf(" %s%s", entry->d_name, entry->d_type == DT_DIR ? "/" : "");
    printf("\n");
    if (directory)
        closedir(directory);
}

int main(int count, char **arguments) {
    printf("arguments:");
    for (int i = 0; i < count; i++)
        printf(" [%s]", arguments[i]);
    printf("\nHOME: %s\n", getenv("HOME") ? "set" : "none");

    char line[64] = "";
    fgets(line, sizeof line, stdin);
    printf("stdin: %s", line);
    printf("again: %s\n", fseek(stdin, 0, SEEK_SET) == 0 && fgetc(stdin) == line[0] ? "yes" : "no");
    printf("terminal: %d %d %d\n", isatty(0), isatty(1), isatty(2));

    list("/");
    list("/data");
    list("data/deep");
    FILE *file = fopen("data/deep/file.txt", "r");
    fseek(file, -4, SEEK_END);
    printf("tail: %s\n", fgets(line, sizeof line, file));
    printf("end: %s\n", fgets(line, sizeof line, file) == NULL && feof(file) ? "yes" : "no");
    fclose(file);
    struct stat about;
    printf("stat: %s %lld %s\n", outcome(stat("/data/deep/file.txt", &about)), (long long)about.st_size,
           S_ISREG(about.st_mode) ? "file" : "other");
    printf("directory: %s %s\n", outcome(stat("/data", &about)), S_ISDIR(about.st_mode) ? "directory" : "other");

    printf("missing: %s\n", outcome(access("/nothing", R_OK)));
    printf("through a file: %s\n", outcome(access("/data/deep/file.txt/x", R_OK)));
    printf("create: %s\n", outcome(open("/new", O_CREAT | O_WRONLY, 0600) < 0));
    printf("write: %s\n", outcome(open("/data/deep/file.txt", O_WRONLY) < 0));
    printf("mkdir: %s\n", outcome(mkdir("/new", 0700)));
    printf("unlink: %s\n", outcome(unlink("/data/deep/file.txt")));
    printf("rename: %s\n", outcome(rename("/data", "/else")));
    printf("symlink: %s\n", outcome(symlink("/data", "/link")));

    struct timespec now, before, after, pause = {0, 20000000};
    clock_gettime(CLOCK_REALTIME, &now);
    printf("year: %d\n", 1900 + gmtime(&now.tv_sec)->tm_year);
    clock_gettime(CLOCK_MONOTONIC, &before);
    nanosleep(&pause, NULL);
    clock_gettime(CLOCK_MONOTONIC, &after);
    long long slept = (after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec;
    printf("slept: %s\n", slept >= 20000000 ? "yes" : "no");
    struct pollfd ready = {.fd = 0, .events = POLLIN};
    printf("poll: %d\n", poll(&ready, 1, 1000));

    unsigned char drawn[32] = {0}, zeros[32] = {0};
    printf("random: %s\n", getentropy(drawn, sizeof drawn) == 0 && memcmp(drawn, zeros, 32) ? "yes" : "no");
    void *much = malloc(8 << 20);
    printf("8 MiB: %s\n", much && memset(much, 1, 8 << 20) ? "yes" : "no");
    fprintf(stderr, "diagnostics\n");
    return 0;
}
