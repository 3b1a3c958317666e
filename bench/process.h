/* CPU time, memory and files of the measured processes, from /proc. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct usage {
    double cpu_s;
    long resident_kib, files;
};

static double process_cpu(long pid) {
    char name[64], text[4096];
    unsigned long user = 0, kernel = 0;
    unsigned long long ns;
    /* The scheduler counts in nanoseconds, the clock ticks of `stat` in hundredths of a second. */
    snprintf(name, sizeof name, "/proc/%ld/schedstat", pid);
    FILE *file = fopen(name, "r");
    if (file) {
        int got = fscanf(file, "%llu", &ns);
        fclose(file);
        if (got == 1) return (double)ns / 1e9;
    }
    snprintf(name, sizeof name, "/proc/%ld/stat", pid);
    if (!(file = fopen(name, "r"))) return 0;
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = 0;
    char *after = strrchr(text, ')');
    if (after) sscanf(after + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel);
    return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

static long process_resident_kib(long pid) {
    char name[64];
    long pages = 0;
    snprintf(name, sizeof name, "/proc/%ld/statm", pid);
    FILE *file = fopen(name, "r");
    if (!file) return 0;
    if (fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static long process_files(long pid) {
    char name[64];
    long found = -2; /* "." and ".." */
    snprintf(name, sizeof name, "/proc/%ld/fd", pid);
    DIR *folder = opendir(name);
    if (!folder) return 0;
    while (readdir(folder)) found++;
    closedir(folder);
    return found;
}

static struct usage usage_of(long pid) {
    return (struct usage){process_cpu(pid), process_resident_kib(pid), process_files(pid)};
}

static double own_cpu(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}
