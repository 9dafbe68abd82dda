// The floor under every fan-out: one send() of a ready frame per socket, and nothing else. `floor PORT`.
// Accepts the upgrade of liveroom-swarm (whose key is fixed), then relays each message to everybody.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKETS = 32768, MESSAGE = 4096 };

static const char ANSWER[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
static int crowd[SOCKETS], place[SOCKETS], here;

static void join(int fd) {
    place[fd] = here;
    crowd[here++] = fd;
}

static void leave(int fd) {
    if (place[fd] >= 0) {
        crowd[place[fd]] = crowd[--here];
        place[crowd[place[fd]]] = place[fd];
    }
    place[fd] = -1;
    close(fd);
}

// A frame of a client, unmasked and sent to everybody as a server writes it.
static size_t relay(const uint8_t *data, size_t size) {
    uint8_t frame[MESSAGE + 4];
    size_t head = 2, length = data[1] & 127, at = 0;
    if (length == 126) head = 4, length = (size_t)data[2] << 8 | data[3];
    if (length > MESSAGE || size < head + 4 + length) return 0;
    frame[at++] = data[0];
    if (length < 126) {
        frame[at++] = (uint8_t)length;
    } else {
        frame[at++] = 126;
        frame[at++] = (uint8_t)(length >> 8);
        frame[at++] = (uint8_t)length;
    }
    for (size_t i = 0; i < length; i++) frame[at + i] = data[head + 4 + i] ^ data[head + (i & 3)];
    for (int i = 0; i < here; i++) send(crowd[i], frame, at + length, MSG_DONTWAIT | MSG_NOSIGNAL);
    return head + 4 + length;
}

static void receive(int fd) {
    uint8_t data[65536];
    ssize_t got = recv(fd, data, sizeof data, 0);
    if (got <= 0) {
        leave(fd);
    } else if (place[fd] < 0) {
        send(fd, ANSWER, sizeof ANSWER - 1, MSG_NOSIGNAL);
        join(fd);
    } else {
        for (size_t at = 0, taken; at + 6 <= (size_t)got && (taken = relay(data + at, (size_t)got - at)); at += taken) {}
    }
}

int main(int argc, char **argv) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max < SOCKETS ? files.rlim_max : SOCKETS;
    setrlimit(RLIMIT_NOFILE, &files);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 0))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) return 1;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[512];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int n = epoll_wait(epoll, events, 512, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd != listener) {
                receive(fd);
                continue;
            }
            if ((fd = accept(listener, NULL, NULL)) < 0) continue;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            place[fd] = -1;
            event = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
            epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
        }
    }
}
