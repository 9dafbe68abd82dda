#define _GNU_SOURCE
#include "swarm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

#define SECOND 1000000000.0

enum { IN_FLIGHT = 1000, PER_ADDRESS = 20000, READ_BYTES = 1 << 20, ANSWERS_REMEMBERED = 1 << 16, BURST = 512 };

typedef enum { IDLE, CONNECTING, UPGRADING, OPENING, JOINING, WELCOMING, READY, LOST } state;

typedef struct {
    int fd;
    state state;
    uint64_t began;
    uint64_t waits_since; // 0: it does not wait
    uint8_t *rest; // the begin of a frame whose end was not read yet
    size_t rest_size;
} client;

struct swarm {
    const options *o;
    client *clients;
    int epoll, started, ready, lost, waiting, next_sender;
    uint32_t mask, number;
    char first_loss[MAX_REASON];
    histogram *handshakes, *waits;
    stage *measured; // NULL outside of a stage
    int within;      // whether the stage's time still runs, or only its last messages are awaited
    uint64_t stage_began, stage_ended;
    uint64_t *asked; // when the message of a number (modulo) was sent
    uint8_t buffer[READ_BYTES + 1];
};

swarm *swarm_new(const options *o) {
    swarm *s = calloc(1, sizeof *s);
    s->o = o;
    s->clients = calloc((size_t)o->sockets, sizeof *s->clients);
    s->asked = calloc(ANSWERS_REMEMBERED, sizeof *s->asked);
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    s->mask = 0x9e3779b9;
    return s;
}

int swarm_standing(const swarm *s) { return s->ready; }

const char *swarm_first_loss(const swarm *s) { return s->first_loss; }

// ---- one socket ---------------------------------------------------------------------------------------------

static void lose(swarm *s, client *c, const char *why, size_t size) {
    if (c->state == LOST) return;
    if (!*s->first_loss) snprintf(s->first_loss, sizeof s->first_loss, "%.*s", (int)size, why);
    if (c->state == READY) s->ready--;
    if (c->waits_since) s->waiting--, c->waits_since = 0;
    c->state = LOST;
    s->lost++;
    close(c->fd);
    free(c->rest);
    c->rest = NULL;
    c->rest_size = 0;
}

static void lose_to(swarm *s, client *c, const char *why) { lose(s, c, why, strlen(why)); }

static void watch(swarm *s, client *c, int how, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = c};
    epoll_ctl(s->epoll, how, c->fd, &event);
}

static int place_of(const swarm *s, const client *c) {
    return (int)((long long)(c - s->clients) * s->o->port_count / s->o->sockets);
}

static int port_of(const swarm *s, const client *c) { return s->o->ports[place_of(s, c)]; }

static void start(swarm *s) {
    client *c = &s->clients[s->started];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port_of(s, c))};
    struct sockaddr_in from = {.sin_family = AF_INET};
    int one = 1;
    inet_pton(AF_INET, s->o->host, &to.sin_addr);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    c->state = CONNECTING;
    c->began = now_ns();
    s->started++;
    if (c->fd < 0) {
        lose_to(s, c, strerror(errno));
        return;
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (to.sin_addr.s_addr == htonl(INADDR_LOOPBACK)) { // an address has 28,000 ports to connect from, less its last ones
        from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(getpid() % 200 + 1) * 256 + (uint32_t)(s->started / PER_ADDRESS));
        setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
        bind(c->fd, (struct sockaddr *)&from, sizeof from);
    }
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS) {
        lose_to(s, c, strerror(errno));
        return;
    }
    watch(s, c, EPOLL_CTL_ADD, EPOLLOUT);
}

static void upgrade(swarm *s, client *c) {
    char request[4096];
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
        lose_to(s, c, strerror(error));
        return;
    }
    int n = ws_request(request, sizeof request, s->o->host, port_of(s, c), s->o->target);
    if (write(c->fd, request, (size_t)n) != n) {
        lose_to(s, c, "the upgrade could not be written");
        return;
    }
    c->state = UPGRADING;
    watch(s, c, EPOLL_CTL_MOD, EPOLLIN);
}

// Whether it was written whole. A server that reads nothing costs the message, one that reads half the socket.
static int write_frame(swarm *s, client *c, int opcode, const void *payload, size_t size) {
    uint8_t frame[MAX_PACKET + WS_MAX_HEADER];
    s->mask = s->mask * 1664525u + 1013904223u;
    size_t n = ws_masked(frame, opcode, payload, size, s->mask);
    ssize_t written = write(c->fd, frame, n);
    if (written == (ssize_t)n) return 1;
    if (written >= 0 || errno != EAGAIN) lose_to(s, c, written >= 0 ? "a frame was taken in half" : strerror(errno));
    return 0;
}

static void become_ready(swarm *s, client *c) {
    c->state = READY;
    s->ready++;
    if (s->handshakes) histogram_add(s->handshakes, now_ns() - c->began);
}

// ---- what arrives -------------------------------------------------------------------------------------------

static void count_deliveries(swarm *s, const client *c, const ws_frame *frame, uint64_t now) {
    const uint8_t *at = frame->payload, *end = at + frame->size;
    int here = 0;
    while ((at = memmem(at, (size_t)(end - at), MARK, sizeof MARK - 1))) {
        uint64_t sent = 0;
        for (at += sizeof MARK - 1; at < end && *at >= '0' && *at <= '9'; at++) sent = sent * 10 + (uint64_t)(*at - '0');
        here++;
        if (sent < s->stage_began || sent >= s->stage_ended) continue;
        s->measured->returned++;
        uint64_t took = now > sent ? now - sent : 0;
        histogram_add(&s->measured->latency, took);
        if (s->o->port_count > 1) histogram_add(&s->measured->latency_at[place_of(s, c)], took);
    }
    if (!here || !s->within) return;
    s->measured->arrived += (uint64_t)here;
    s->measured->frames++;
    s->measured->frame_bytes += frame->wire;
}

static void count_answer(swarm *s, const ws_frame *frame, uint64_t now) {
    uint64_t asked = s->asked[packet_ack_number(s->o->dialect.codec, frame) % ANSWERS_REMEMBERED];
    if (asked < s->stage_began || asked >= s->stage_ended) return;
    s->measured->answers++;
    histogram_add(&s->measured->answer_latency, now - asked);
}

static int has_text(const ws_frame *frame, const char *text) {
    return memmem(frame->payload, frame->size, text, strlen(text)) != NULL;
}

static void begin_to_wait(swarm *s, client *c, const ws_frame *frame, uint64_t now) {
    if (!*s->o->waits_when || !has_text(frame, s->o->waits_when)) return;
    c->waits_since = now;
    s->waiting++;
}

static void end_wait(swarm *s, client *c, uint64_t now) {
    if (s->waits) histogram_add(s->waits, now - c->waits_since);
    c->waits_since = 0;
    s->waiting--;
}

static void take_event(swarm *s, client *c, const ws_frame *frame, uint64_t now) {
    if (c->state == WELCOMING && memmem(frame->payload, frame->size, s->o->ready_on, strlen(s->o->ready_on)))
        become_ready(s, c), begin_to_wait(s, c, frame, now);
    else if (c->waits_since && has_text(frame, s->o->admitted_on))
        end_wait(s, c, now);
    if (s->measured) count_deliveries(s, c, frame, now);
}

static void take_packet(swarm *s, client *c, const ws_frame *frame, uint64_t now) {
    uint8_t packet[MAX_PACKET];
    const options *o = s->o;
    switch (packet_kind_of(o->dialect.codec, frame)) {
        case OPEN: {
            const char *auth = o->auth_count ? o->auths[(c - s->clients) % o->auth_count] : "";
            size_t size = packet_connect(packet, &o->dialect, auth);
            c->state = JOINING;
            write_frame(s, c, o->dialect.codec == MSGPACK ? WS_BINARY : WS_TEXT, packet, size);
            return;
        }
        case PING: write_frame(s, c, WS_TEXT, "3", 1); return;
        case CONNECTED:
            c->state = WELCOMING;
            if (!*o->ready_on) become_ready(s, c);
            return;
        case EVENT: take_event(s, c, frame, now); return;
        case ACK:
            if (s->measured) count_answer(s, frame, now);
            return;
        case REFUSED:
        case ENDED: lose(s, c, (const char *)frame->payload, frame->size); return;
        case OTHER: return;
    }
}

static void take_frame(swarm *s, client *c, const ws_frame *frame, uint64_t now) {
    if (s->measured && s->within) s->measured->all_bytes += frame->wire;
    if (frame->opcode == WS_PING)
        write_frame(s, c, WS_PONG, frame->payload, frame->size);
    else if (frame->opcode == WS_CLOSE)
        lose_to(s, c, "the server closed the WebSocket");
    else if (frame->opcode == WS_TEXT || frame->opcode == WS_BINARY)
        take_packet(s, c, frame, now);
}

static size_t take_answer(swarm *s, client *c, size_t size) {
    int head = ws_answer(s->buffer, size);
    if (head < 0) lose(s, c, (const char *)s->buffer, strcspn((const char *)s->buffer, "\r\n"));
    if (head <= 0) return 0;
    c->state = OPENING;
    if (s->o->dialect.codec == RAW) become_ready(s, c);
    return (size_t)head;
}

static void take_bytes(swarm *s, client *c) {
    memcpy(s->buffer, c->rest, c->rest_size);
    ssize_t got = read(c->fd, s->buffer + c->rest_size, READ_BYTES - c->rest_size);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN) lose_to(s, c, got == 0 ? "the server closed the line" : strerror(errno));
        return;
    }
    size_t size = c->rest_size + (size_t)got, at = 0;
    uint64_t now = now_ns();
    ws_frame frame;
    s->buffer[size] = 0;
    if (c->state == UPGRADING) at = take_answer(s, c, size);
    if (c->state > UPGRADING)
        while (c->state != LOST && ws_next(s->buffer + at, size - at, &frame)) {
            take_frame(s, c, &frame, now);
            at += frame.wire;
        }
    if (c->state == LOST) return;
    if (size - at > c->rest_size || size == at) c->rest = realloc(c->rest, size - at ? size - at : 1);
    c->rest_size = size - at;
    memcpy(c->rest, s->buffer + at, c->rest_size);
}

static void pump(swarm *s) {
    struct epoll_event events[512];
    int n = epoll_wait(s->epoll, events, 512, 1);
    for (int i = 0; i < n; i++) {
        client *c = events[i].data.ptr;
        if (c->state == CONNECTING)
            upgrade(s, c);
        else if (c->state != LOST)
            take_bytes(s, c);
    }
}

static void pump_for(swarm *s, double seconds) {
    uint64_t end = now_ns() + (uint64_t)(seconds * SECOND);
    while (now_ns() < end) pump(s);
}

// ---- the two things a swarm does ----------------------------------------------------------------------------

static void start_until(swarm *s, int wanted) {
    uint64_t began = now_ns();
    int before = s->started;
    while (s->ready + s->lost < wanted) {
        double seconds = (double)(now_ns() - began) / SECOND;
        while (s->started < wanted && s->started - before <= seconds * s->o->connect_rate &&
               s->started - s->ready - s->lost < IN_FLIGHT)
            start(s);
        pump(s);
        if (seconds < s->o->connect_limit_seconds) continue;
        for (int i = 0; i < s->started; i++)
            if (s->clients[i].state != READY) lose_to(s, &s->clients[i], "not let in within the time limit");
        return;
    }
}

void swarm_connect(swarm *s, arrival *a) {
    const options *o = s->o;
    start_until(s, o->first);
    pump_for(s, o->first ? o->settle_seconds : 0);
    int before = s->ready;
    double cpu = processes_cpu_seconds(&o->server), others = processes_cpu_seconds_of_others(&o->server);
    a->rss_kib_before = processes_rss_kib(&o->server);
    uint64_t began = now_ns();
    s->handshakes = &a->handshake;
    s->waits = &a->wait;
    start_until(s, o->sockets);
    a->seconds = (double)(now_ns() - began) / SECOND;
    s->handshakes = NULL;
    while (s->waiting && (double)(now_ns() - began) / SECOND < a->seconds + o->connect_limit_seconds) pump(s);
    a->admitted_seconds = (double)(now_ns() - began) / SECOND;
    s->waits = NULL;
    pump_for(s, o->settle_seconds);
    a->sockets = s->ready - before;
    a->admitted = a->sockets - s->waiting;
    a->lost = s->lost;
    a->cpu_seconds = processes_cpu_seconds(&o->server) - cpu;
    a->others_cpu_seconds = processes_cpu_seconds_of_others(&o->server) - others;
    a->rss_kib = processes_rss_kib(&o->server);
}

static void send_one(swarm *s) {
    uint8_t packet[MAX_PACKET];
    client *c = NULL;
    for (int tries = 0; tries < s->o->senders && (!c || c->state != READY); tries++)
        c = &s->clients[s->next_sender++ % s->o->senders];
    if (!c || c->state != READY) return;
    uint32_t number = s->number++;
    uint64_t now = now_ns();
    size_t size = packet_event(packet, &s->o->dialect, now, number);
    s->asked[number % ANSWERS_REMEMBERED] = now;
    int written = write_frame(s, c, s->o->dialect.codec == MSGPACK ? WS_BINARY : WS_TEXT, packet, size);
    if (s->measured) written ? s->measured->sent++ : s->measured->held_back++;
}

static void speak_for(swarm *s, double rate, double seconds) {
    uint64_t began = now_ns(), now = began, end = began + (uint64_t)(seconds * SECOND);
    uint64_t sent = 0;
    for (; now < end; now = now_ns()) {
        uint64_t due = (uint64_t)((double)(now - began) / SECOND * rate);
        for (int burst = 0; sent < due && burst < BURST; burst++, sent++) send_one(s);
        pump(s);
    }
}

void swarm_speak(swarm *s, double rate, stage *result) {
    const options *o = s->o;
    speak_for(s, rate, o->warm_seconds);
    result->rate = rate;
    s->measured = result;
    s->within = 1;
    double cpu = processes_cpu_seconds(&o->server), others = processes_cpu_seconds_of_others(&o->server);
    s->stage_began = now_ns();
    s->stage_ended = UINT64_MAX;
    speak_for(s, rate, o->seconds);
    s->stage_ended = now_ns();
    result->cpu_seconds = processes_cpu_seconds(&o->server) - cpu;
    result->others_cpu_seconds = processes_cpu_seconds_of_others(&o->server) - others;
    result->began = (double)s->stage_began / SECOND;
    result->seconds = (double)(s->stage_ended - s->stage_began) / SECOND;
    s->within = 0;
    pump_for(s, o->drain_seconds);
    s->measured = NULL;
}
