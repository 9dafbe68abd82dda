// A crowd of WebSocket sockets on one thread: they connect at a pace, some of them speak, all of them listen.
#pragma once
#include <stdint.h>

#include "histogram.h"
#include "packets.h"
#include "process.h"

enum { MAX_STAGES = 16, MAX_SOCKETS = 30000, MAX_REASON = 200, MAX_PORTS = 8 };

typedef struct {
    const char *host, *target, *ready_on;
    const char *waits_when;  // text in the event that lets a socket in: it has to wait for the rest ("" for none)
    const char *admitted_on; // text in the event that ends its waiting
    int ports[MAX_PORTS], port_count; // the first sockets are the first port's, the last ones the last's
    int sockets, first, senders;
    double connect_rate, connect_limit_seconds, settle_seconds, warm_seconds, seconds, drain_seconds;
    double rates[MAX_STAGES];
    int stages;
    char **auths;
    int auth_count;
    dialect dialect;
    processes server;
} options;

typedef struct {
    double rate, began, seconds, cpu_seconds, others_cpu_seconds; // began: on the monotonic clock
    uint64_t sent, held_back, answers;
    uint64_t arrived;  // deliveries within the stage: what its CPU time was spent on
    uint64_t returned; // deliveries of what was sent within the stage, whenever they arrived
    uint64_t frames, frame_bytes, all_bytes;
    histogram latency, answer_latency, latency_at[MAX_PORTS];
} stage;

typedef struct {
    int sockets, lost, admitted; // admitted: of the sockets, those that wait no more
    double seconds, cpu_seconds, others_cpu_seconds, rss_kib_before, rss_kib;
    double admitted_seconds; // from the first that came to the last that was admitted
    histogram handshake, wait; // wait: of those that had to
} arrival;

typedef struct swarm swarm;

swarm *swarm_new(const options *o);

// Connects `o->first` sockets unmeasured (what a server loads at its first client is no cost of a client), then the
// rest at the pace wanted, then waits until all are admitted, and the server has settled.
void swarm_connect(swarm *s, arrival *a);

// Speaks at `rate` messages a second: warms up, measures, and waits for what is still on its way.
void swarm_speak(swarm *s, double rate, stage *result);

// Sockets that stand now, and why the first one that does not was lost ("" where none was).
int swarm_standing(const swarm *s);
const char *swarm_first_loss(const swarm *s);
