// What the server's processes have spent, as /proc tells it.
#pragma once

enum { MAX_PROCESSES = 64 };

typedef struct {
    int count, ids[MAX_PROCESSES];
} processes;

// Reads "12,34". Answers -1 for anything else.
int processes_parse(processes *p, const char *list);

// User and system time of all processes, all their threads included, the ended ones too.
double processes_cpu_seconds(const processes *p);

// What everything else on the machine has spent: neither these processes nor this one.
double processes_cpu_seconds_of_others(const processes *p);

// Resident memory of all processes together.
double processes_rss_kib(const processes *p);
