#include "process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

int processes_parse(processes *p, const char *list) {
    for (const char *at = list; *at;) {
        char *end;
        long id = strtol(at, &end, 10);
        if (end == at || id <= 0 || p->count == MAX_PROCESSES || (*end && *end != ',')) return -1;
        p->ids[p->count++] = (int)id;
        at = *end ? end + 1 : end;
    }
    return p->count ? 0 : -1;
}

static int read_proc(int id, const char *name, char *text, size_t size) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", id, name);
    FILE *file = fopen(path, "r");
    if (!file) return -1;
    size_t n = fread(text, 1, size - 1, file);
    text[n] = 0;
    fclose(file);
    return 0;
}

double processes_cpu_seconds(const processes *p) {
    double ticks = 0;
    for (int i = 0; i < p->count; i++) {
        char text[1024], *after_name;
        unsigned long user, system;
        if (read_proc(p->ids[i], "stat", text, sizeof text) || !(after_name = strrchr(text, ')'))) continue;
        if (sscanf(after_name + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) == 2)
            ticks += (double)(user + system);
    }
    return ticks / (double)sysconf(_SC_CLK_TCK);
}

static double own_cpu_seconds(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

double processes_cpu_seconds_of_others(const processes *p) {
    unsigned long user = 0, nice = 0, system = 0;
    FILE *file = fopen("/proc/stat", "r");
    if (!file || fscanf(file, "cpu %lu %lu %lu", &user, &nice, &system) != 3) user = nice = system = 0;
    if (file) fclose(file);
    return (double)(user + nice + system) / (double)sysconf(_SC_CLK_TCK) - processes_cpu_seconds(p) - own_cpu_seconds();
}

double processes_rss_kib(const processes *p) {
    double pages = 0;
    for (int i = 0; i < p->count; i++) {
        char text[256];
        unsigned long resident;
        if (read_proc(p->ids[i], "statm", text, sizeof text)) continue;
        if (sscanf(text, "%*u %lu", &resident) == 1) pages += (double)resident;
    }
    return pages * (double)sysconf(_SC_PAGESIZE) / 1024;
}
