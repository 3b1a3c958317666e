/* limit: what the kernel lets one process on one core deliver.
 *
 *   cc -O2 -o limit limit.c
 *   limit PORT BYTES        BYTES of JSON in each event
 *
 * GET /sse and GET /ws (no WebSocket client is checked: any handshake is accepted) become readers. GET /publish?count=M&together=K&rate=R
 * publishes M events, K per write, at R events per second (0: as fast as possible). It calls send() with prepared bytes, once per reader and
 * write, and keeps what a socket does not accept. It does nothing else, so no server that serves readers over TCP can need less.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 65536 };

static struct { size_t sent; uint8_t reads, is_ws, waits; } peer[MOST];
static int readers[MOST], reader_count, poller;
static size_t event_size;
static char *wire[2]; /* all events of one publication, as SSE and as WebSocket frames */
static size_t *end_of[2];

static uint64_t now_ns(clockid_t which) {
    struct timespec t;
    clock_gettime(which, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void want(int fd, uint32_t events, int operation) {
    struct epoll_event event = {.events = events, .data.fd = fd};
    epoll_ctl(poller, operation, fd, &event);
}

static void push(int fd, size_t upto) {
    int kind = peer[fd].is_ws;
    while (peer[fd].sent < upto) {
        ssize_t size = send(fd, wire[kind] + peer[fd].sent, upto - peer[fd].sent, MSG_NOSIGNAL);
        if (size < 0) {
            if (errno != EAGAIN) peer[fd].sent = upto; /* it is gone, and is owed nothing */
            else if (!peer[fd].waits) { peer[fd].waits = 1; want(fd, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD); }
            return;
        }
        peer[fd].sent += (size_t)size;
    }
    if (peer[fd].waits) { peer[fd].waits = 0; want(fd, EPOLLIN, EPOLL_CTL_MOD); }
}

static void drain(int written, uint64_t patience_ns) {
    struct epoll_event ready[512];
    /* To the nanosecond: what is left of a millisecond would be spent spinning, and count as the kernel's. */
    struct timespec patience = {(time_t)(patience_ns / 1000000000u), (long)(patience_ns % 1000000000u)};
    int count = epoll_pwait2(poller, ready, 512, &patience, NULL);
    for (int i = 0; i < count; i++)
        if (ready[i].events & EPOLLOUT) push(ready[i].data.fd, end_of[peer[ready[i].data.fd].is_ws][written]);
}

static void make_event(int number) {
    char json[65536];
    int size = snprintf(json, sizeof json, "{\"id\":%d,\"data\":{\"headline\":\"x ~ts=%lu \",\"body\":\"", number, now_ns(CLOCK_REALTIME));
    while (size < (int)event_size - 3) json[size++] = 'x';
    size += snprintf(json + size, sizeof json - (size_t)size, "\"}}");
    size_t at = end_of[0][number];
    end_of[0][number + 1] = at + (size_t)sprintf(wire[0] + at, "id: %d-%d\ndata: %s\n\n", number, number, json);
    unsigned char *frame = (unsigned char *)wire[1] + end_of[1][number];
    int head = size < 126 ? 2 : 4;
    frame[0] = 0x81;
    frame[1] = size < 126 ? (unsigned char)size : 126;
    if (head == 4) { frame[2] = (unsigned char)(size >> 8); frame[3] = (unsigned char)size; }
    memcpy(frame + head, json, (size_t)size);
    end_of[1][number + 1] = end_of[1][number] + (size_t)(head + size);
}

static void publish(int count, int together, double rate) {
    for (int kind = 0; kind < 2; kind++) {
        free(wire[kind]);
        free(end_of[kind]);
        wire[kind] = malloc((size_t)count * (event_size + 64));
        end_of[kind] = calloc((size_t)count + 1, sizeof(size_t));
        if (!wire[kind] || !end_of[kind]) abort();
    }
    for (int i = 0; i < reader_count; i++) peer[readers[i]].sent = 0;
    uint64_t begin = now_ns(CLOCK_MONOTONIC);
    int made = 0;
    while (made < count) {
        if (rate > 0) {
            uint64_t due = begin + (uint64_t)(made * 1e9 / rate), now;
            while ((now = now_ns(CLOCK_MONOTONIC)) < due) drain(made, due - now);
        }
        for (int i = 0; i < together && made < count; i++) make_event(made++);
        for (int i = 0; i < reader_count; i++)
            if (!peer[readers[i]].waits) push(readers[i], end_of[peer[readers[i]].is_ws][made]);
    }
    for (int behind = 1; behind;) {
        behind = 0;
        for (int i = 0; i < reader_count; i++) behind |= peer[readers[i]].sent < end_of[peer[readers[i]].is_ws][count];
        if (behind) drain(count, 100000000u);
    }
}

static double parameter(const char *request, const char *name, double otherwise) {
    const char *found = strstr(request, name);
    return found ? atof(found + strlen(name)) : otherwise;
}

static void answer(int fd, const char *request) {
    static const char *heads[2] = {
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"};
    if (!strncmp(request, "GET /publish", 12)) {
        publish((int)parameter(request, "count=", 200), (int)parameter(request, "together=", 1), parameter(request, "rate=", 0));
        const char *done = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        if (write(fd, done, strlen(done)) < 0) perror("write");
        return;
    }
    peer[fd].is_ws = !strncmp(request, "GET /ws", 7);
    if (write(fd, heads[peer[fd].is_ws], strlen(heads[peer[fd].is_ws])) < 0) perror("write");
    peer[fd].reads = 1;
    readers[reader_count++] = fd;
}

static void gone(int fd) {
    for (int i = 0; i < reader_count; i++)
        if (readers[i] == fd) { readers[i] = readers[--reader_count]; break; }
    memset(&peer[fd], 0, sizeof peer[fd]);
    close(fd);
}

int main(int argc, char **argv) {
    if (argc != 3) { fputs("limit PORT BYTES\n", stderr); return 2; }
    event_size = (size_t)atol(argv[2]);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* whoever measures may be killed, and then nobody else ends this */
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) { perror("listen"); return 1; }
    poller = epoll_create1(0);
    want(listener, EPOLLIN, EPOLL_CTL_ADD);
    for (;;) {
        struct epoll_event ready[512];
        int count = epoll_wait(poller, ready, 512, -1);
        for (int i = 0; i < count; i++) {
            int fd = ready[i].data.fd;
            char request[4096];
            if (fd == listener) {
                int accepted;
                while ((accepted = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                    setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                    memset(&peer[accepted], 0, sizeof peer[accepted]);
                    want(accepted, EPOLLIN, EPOLL_CTL_ADD);
                }
                continue;
            }
            ssize_t size = read(fd, request, sizeof request - 1);
            if (size < 0 && errno == EAGAIN) continue;
            if (size <= 0) { gone(fd); continue; }
            request[size] = 0;
            if (!peer[fd].reads) answer(fd, request);
        }
    }
}
