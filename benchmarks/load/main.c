// liveroom-swarm: puts a load of Socket.IO or plain WebSocket sockets on a server and prints what came of it as JSON.
#define _GNU_SOURCE
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "swarm.h"

static const char USAGE[] =
    "liveroom-swarm --port PORT[,PORT...] --sockets N [options]\n"
    "  --host ADDRESS          IPv4 address of the server (127.0.0.1)\n"
    "  --target PATH           of the upgrade (/socket.io/?EIO=4&transport=websocket)\n"
    "  --codec json|msgpack|raw  Socket.IO in one of its encodings, or bare WebSocket messages (json)\n"
    "  --namespace NAME        Socket.IO namespace, like /live (the main one)\n"
    "  --auth FILE             one flat JSON map of strings a line: the auth of socket i is line i modulo\n"
    "  --ready-on EVENT        a socket is in when it has received this event (when CONNECT was answered)\n"
    "  --waits-when TEXT       in that event: the socket is in, and waits for the rest (none)\n"
    "  --admitted-on TEXT      in an event: it waits no more\n"
    "  --first N               of the sockets connect before anything is measured (0)\n"
    "  --connect-rate R        sockets a second (500)\n"
    "  --connect-limit S       seconds after which those not let in count as lost (60)\n"
    "  --settle S              seconds to wait before CPU and memory of the connects are read (1)\n"
    "  --senders N             the first N sockets take turns at speaking (1)\n"
    "  --rates R[,R...]        messages a second of all together, one stage each (none)\n"
    "  --warm S --seconds S --drain S   of a stage: before, measured, waiting for the last deliveries (1, 5, 1)\n"
    "  --event NAME            what is emitted, with {\"text\": ...} (danmaku)\n"
    "  --text-bytes N          of its text (40)\n"
    "  --ack                   ask for an ack of each\n"
    "  --pids ID[,ID...]       processes of the server, for CPU and memory\n";

static void fail(const char *what, const char *value) {
    fprintf(stderr, "liveroom-swarm: %s%s\n", what, value);
    exit(2);
}

static void read_auths(options *o, const char *path) {
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t size = 0;
    ssize_t n;
    if (!file) fail("cannot read ", path);
    while ((n = getline(&line, &size, file)) > 0) {
        if (line[n - 1] == '\n') line[n - 1] = 0;
        o->auths = realloc(o->auths, sizeof *o->auths * (size_t)(o->auth_count + 1));
        o->auths[o->auth_count++] = strdup(line);
    }
    free(line);
    fclose(file);
}

static void read_rates(options *o, char *list) {
    for (char *rate = strtok(list, ","); rate; rate = strtok(NULL, ",")) {
        if (o->stages == MAX_STAGES || atof(rate) <= 0) fail("no list of rates: ", rate);
        o->rates[o->stages++] = atof(rate);
    }
}

static void read_ports(options *o, char *list) {
    for (char *port = strtok(list, ","); port; port = strtok(NULL, ",")) {
        if (o->port_count == MAX_PORTS || atoi(port) < 1) fail("no list of ports: ", port);
        o->ports[o->port_count++] = atoi(port);
    }
}

static codec read_codec(const char *name) {
    if (!strcmp(name, "json")) return JSON;
    if (!strcmp(name, "msgpack")) return MSGPACK;
    if (!strcmp(name, "raw")) return RAW;
    fail("no codec: ", name);
    return RAW;
}

enum { HOST = 1, PORT, TARGET, CODEC, NAMESPACE, AUTH, READY_ON, WAITS_WHEN, ADMITTED_ON, FIRST, CONNECT_RATE, CONNECT_LIMIT, SETTLE, SENDERS, RATES,
       WARM, SECONDS, DRAIN, EVENT_NAME, TEXT_BYTES, ASK, PIDS, SOCKETS };

static const struct option FLAGS[] = {
    {"host", 1, 0, HOST}, {"port", 1, 0, PORT}, {"target", 1, 0, TARGET}, {"codec", 1, 0, CODEC},
    {"namespace", 1, 0, NAMESPACE}, {"auth", 1, 0, AUTH}, {"ready-on", 1, 0, READY_ON}, {"waits-when", 1, 0, WAITS_WHEN},
    {"admitted-on", 1, 0, ADMITTED_ON}, {"first", 1, 0, FIRST},
    {"connect-rate", 1, 0, CONNECT_RATE}, {"connect-limit", 1, 0, CONNECT_LIMIT}, {"settle", 1, 0, SETTLE},
    {"senders", 1, 0, SENDERS}, {"rates", 1, 0, RATES}, {"warm", 1, 0, WARM}, {"seconds", 1, 0, SECONDS},
    {"drain", 1, 0, DRAIN}, {"event", 1, 0, EVENT_NAME}, {"text-bytes", 1, 0, TEXT_BYTES}, {"ack", 0, 0, ASK},
    {"pids", 1, 0, PIDS}, {"sockets", 1, 0, SOCKETS}, {0, 0, 0, 0},
};

static void read_options(options *o, int argc, char **argv) {
    for (int flag; (flag = getopt_long(argc, argv, "", FLAGS, NULL)) != -1;) switch (flag) {
            case HOST: o->host = optarg; break;
            case PORT: read_ports(o, optarg); break;
            case TARGET: o->target = optarg; break;
            case CODEC: o->dialect.codec = read_codec(optarg); break;
            case NAMESPACE: o->dialect.name_space = optarg; break;
            case AUTH: read_auths(o, optarg); break;
            case READY_ON: o->ready_on = optarg; break;
            case WAITS_WHEN: o->waits_when = optarg; break;
            case ADMITTED_ON: o->admitted_on = optarg; break;
            case FIRST: o->first = atoi(optarg); break;
            case CONNECT_RATE: o->connect_rate = atof(optarg); break;
            case CONNECT_LIMIT: o->connect_limit_seconds = atof(optarg); break;
            case SETTLE: o->settle_seconds = atof(optarg); break;
            case SENDERS: o->senders = atoi(optarg); break;
            case RATES: read_rates(o, optarg); break;
            case WARM: o->warm_seconds = atof(optarg); break;
            case SECONDS: o->seconds = atof(optarg); break;
            case DRAIN: o->drain_seconds = atof(optarg); break;
            case EVENT_NAME: o->dialect.event = optarg; break;
            case TEXT_BYTES: o->dialect.text_bytes = atoi(optarg); break;
            case ASK: o->dialect.ask_for_ack = 1; break;
            case PIDS:
                if (processes_parse(&o->server, optarg)) fail("no list of processes: ", optarg);
                break;
            case SOCKETS: o->sockets = atoi(optarg); break;
            default: fputs(USAGE, stderr); exit(2);
        }
    if (!o->port_count || o->sockets < 1 || o->sockets > MAX_SOCKETS || o->senders < 1 || o->senders > o->sockets ||
        o->first < 0 || o->first > o->sockets || o->dialect.text_bytes > MAX_PACKET / 4 || o->connect_rate <= 0) {
        fputs(USAGE, stderr);
        exit(2);
    }
}

// What follows the brace of a map.
static void print_quantiles(const histogram *h) {
    printf("\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f,\"count\":%" PRIu64 "}", histogram_quantile(h, 0.5) / 1e6,
           histogram_quantile(h, 0.99) / 1e6, (double)h->max / 1e6, h->count);
}

static void print_milliseconds(const char *name, const histogram *h) {
    printf("\"%s\":{", name);
    print_quantiles(h);
}

static void print_arrival(const arrival *a) {
    printf("\"connect\":{\"sockets\":%d,\"lost\":%d,\"seconds\":%.3f,\"cpu_seconds\":%.2f,\"others_cpu_seconds\":%.2f,\"rss_kib_before\":%.0f,\"rss_kib\":%.0f,",
           a->sockets, a->lost, a->seconds, a->cpu_seconds, a->others_cpu_seconds, a->rss_kib_before, a->rss_kib);
    printf("\"admitted\":%d,\"admitted_seconds\":%.3f,", a->admitted, a->admitted_seconds);
    print_milliseconds("handshake_ms", &a->handshake);
    printf(",");
    print_milliseconds("wait_ms", &a->wait);
    printf("}");
}

static void print_stage(const stage *g, int ports) {
    printf("{\"rate\":%g,\"began\":%.3f,\"seconds\":%.3f,\"cpu_seconds\":%.2f,\"others_cpu_seconds\":%.2f,\"sent\":%" PRIu64 ",\"held_back\":%" PRIu64
           ",\"answers\":%" PRIu64 ",\"arrived\":%" PRIu64 ",\"returned\":%" PRIu64 ",\"frames\":%" PRIu64
           ",\"frame_bytes\":%" PRIu64 ",\"all_bytes\":%" PRIu64 ",",
           g->rate, g->began, g->seconds, g->cpu_seconds, g->others_cpu_seconds, g->sent, g->held_back, g->answers, g->arrived, g->returned, g->frames,
           g->frame_bytes, g->all_bytes);
    print_milliseconds("latency_ms", &g->latency);
    printf(",");
    print_milliseconds("answer_ms", &g->answer_latency);
    printf(",\"latency_ms_at\":[");
    for (int i = 0; ports > 1 && i < ports; i++) {
        printf(i ? ",{" : "{");
        print_quantiles(&g->latency_at[i]);
    }
    printf("]}");
}

static void print_quoted(const char *text) {
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') putchar('\\');
        putchar((unsigned char)*text < 32 || (unsigned char)*text > 126 ? '?' : *text);
    }
    putchar('"');
}

int main(int argc, char **argv) {
    options o = {.host = "127.0.0.1", .target = "/socket.io/?EIO=4&transport=websocket", .ready_on = "", .waits_when = "",
                 .admitted_on = "", .sockets = 0,
                 .senders = 1, .connect_rate = 500, .connect_limit_seconds = 60, .settle_seconds = 1, .warm_seconds = 1,
                 .seconds = 5, .drain_seconds = 1,
                 .dialect = {.codec = JSON, .name_space = "", .event = "danmaku", .text_bytes = 40}};
    read_options(&o, argc, argv);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < (rlim_t)o.sockets + 32) fail("too few open files are allowed: see ", "ulimit -n");

    swarm *s = swarm_new(&o);
    arrival *a = calloc(1, sizeof *a);
    swarm_connect(s, a);
    printf("{");
    print_arrival(a);
    printf(",\"stages\":[");
    for (int i = 0; i < o.stages; i++) {
        stage *g = calloc(1, sizeof *g);
        swarm_speak(s, o.rates[i], g);
        if (i) printf(",");
        print_stage(g, o.port_count);
        free(g);
    }
    printf("],\"standing\":%d,\"first_loss\":", swarm_standing(s));
    print_quoted(swarm_first_loss(s));
    printf("}\n");
    return 0;
}
