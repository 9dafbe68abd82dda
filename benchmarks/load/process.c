#include "process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
