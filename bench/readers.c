/* readers: thousands of live readers on one core, to measure a server that fans out.
 *
 *   cc -O2 -o readers readers.c
 *   readers --port P (--sse PATH | --ws PATH) --readers N --expect M [options]
 *
 * An event is counted where its publish time stands: --marker, then nanoseconds since the epoch. Latency is that time to the read()
 * which brought it. One line of JSON comes out at the end.
 *
 * The sockets are opened at --rate a second. When all are answered, and --settle seconds later, --publish is run by the shell ("go").
 * The run ends when every reader has M events, or --idle seconds after the last one, or after --timeout. --stalled K of the readers
 * take nothing before --stall-for seconds after go. --greet TEXT is sent as a WebSocket text frame at first. --server PID adds the CPU time and resident memory of that process.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum state { WAITING, CONNECTING, ASKED, READING, GONE };

struct reader {
    int fd;
    uint8_t state, stalled;
    uint8_t matched;    /* characters of the marker seen at the end of the last read */
    uint8_t in_number;  /* the digits after the marker are being read */
    uint8_t head_bytes; /* WebSocket: bytes of the frame head collected */
    uint8_t head[14];
    uint64_t payload;   /* WebSocket: bytes of the frame still to come */
    uint64_t number;
    uint64_t asked_at, answered_at, done_at;
    uint32_t events;
    uint32_t held;      /* bytes of the answer's head in `reply` */
    char *reply;
};

static struct reader *readers;
static int count = 1000, port, is_ws, stalled, verbose;
static const char *path = "/", *marker = "~ts=", *publish, *headers = "", *greeting = "";
static size_t marker_size;
static double rate = 2000, settle = 0.5, idle = 5, timeout = 60, stall_for = 0, hold = 0;
static uint64_t expect;
static long server;
static int poller;
static uint64_t go_at, first_at, last_at;
static uint64_t deliveries, bytes, answered, complete, refused, broken, reads, early;
static uint32_t *latencies; /* microseconds */
static size_t latency_count, latency_room;

static uint64_t clock_ns(clockid_t which) {
    struct timespec now;
    clock_gettime(which, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void note_event(struct reader *r, uint64_t published, uint64_t read_real, uint64_t read_mono) {
    deliveries++;
    if (!go_at) early++;
    if (!first_at) first_at = read_mono;
    last_at = read_mono;
    if (++r->events == expect) {
        r->done_at = read_mono;
        complete++;
    }
    if (latency_count == latency_room) {
        latency_room = latency_room ? latency_room * 2 : 1 << 20;
        latencies = realloc(latencies, latency_room * sizeof *latencies);
        if (!latencies) abort();
    }
    latencies[latency_count++] = read_real > published ? (uint32_t)((read_real - published) / 1000) : 0;
}

static void scan(struct reader *r, const char *at, const char *end, uint64_t real, uint64_t mono) {
    while (at < end) {
        if (r->in_number) {
            while (at < end && *at >= '0' && *at <= '9') r->number = r->number * 10 + (uint64_t)(*at++ - '0');
            if (at == end) return;
            r->in_number = 0;
            note_event(r, r->number, real, mono);
        } else if (r->matched) {
            if (*at == marker[r->matched]) {
                at++;
                if (++r->matched == marker_size) { r->matched = 0; r->in_number = 1; r->number = 0; }
            } else {
                r->matched = 0; /* the marker's first character stands nowhere else in it */
            }
        } else {
            const char *found = memmem(at, (size_t)(end - at), marker, marker_size);
            if (found) {
                at = found + marker_size;
                r->in_number = 1;
                r->number = 0;
                continue;
            }
            size_t tail = (size_t)(end - at) < marker_size - 1 ? (size_t)(end - at) : marker_size - 1;
            while (tail && memcmp(end - tail, marker, tail)) tail--;
            r->matched = (uint8_t)tail;
            return;
        }
    }
}

static void leave(struct reader *r) {
    if (r->state == GONE) return;
    close(r->fd);
    free(r->reply);
    r->reply = NULL;
    r->state = GONE;
}

static void answer_ping(struct reader *r) {
    static const unsigned char pong[6] = {0x8A, 0x80, 0, 0, 0, 0}; /* masked with zeros, no payload */
    if (send(r->fd, pong, sizeof pong, MSG_NOSIGNAL) < 0 && verbose) perror("pong");
}

static void take_frames(struct reader *r, const char *at, const char *end, uint64_t real, uint64_t mono) {
    while (at < end && r->state == READING) {
        if (r->payload) {
            size_t piece = (size_t)(end - at) < r->payload ? (size_t)(end - at) : (size_t)r->payload;
            if ((r->head[0] & 15) < 8) scan(r, at, at + piece, real, mono);
            r->payload -= piece;
            at += piece;
            continue;
        }
        r->head[r->head_bytes++] = (uint8_t)*at++;
        if (r->head_bytes < 2) continue;
        int size = r->head[1] & 127, need = size == 126 ? 4 : size == 127 ? 10 : 2;
        if (r->head_bytes < need) continue;
        r->payload = (uint64_t)size;
        if (size >= 126) {
            r->payload = 0;
            for (int i = 2; i < need; i++) r->payload = r->payload << 8 | r->head[i];
        }
        r->head_bytes = 0;
        if ((r->head[0] & 15) == 9) answer_ping(r);
        if ((r->head[0] & 15) == 8) { broken++; leave(r); }
    }
}

static void take(struct reader *r, const char *data, size_t size) {
    uint64_t real = clock_ns(CLOCK_REALTIME), mono = clock_ns(CLOCK_MONOTONIC);
    if (is_ws) take_frames(r, data, data + size, real, mono);
    else scan(r, data, data + size, real, mono);
}

static void greet(struct reader *r) {
    unsigned char frame[132] = {0x81, (unsigned char)(0x80 | strlen(greeting))}; /* masked with zeros */
    memcpy(frame + 6, greeting, strlen(greeting));
    if (send(r->fd, frame, 6 + strlen(greeting), MSG_NOSIGNAL) < 0 && verbose) perror("greeting");
}

/* The head of the answer; what follows it in the same read belongs to the stream. */
static void take_head(struct reader *r, const char *data, size_t size) {
    enum { ROOM = 8192 };
    if (!r->reply && !(r->reply = calloc(1, ROOM + 1))) abort();
    size_t before = r->held, piece = size < ROOM - before ? size : ROOM - before;
    memcpy(r->reply + before, data, piece);
    r->held += (uint32_t)piece;
    char *end = strstr(r->reply, "\r\n\r\n");
    if (!end) {
        if (r->held == ROOM) { refused++; leave(r); }
        return;
    }
    if (strncmp(r->reply, is_ws ? "HTTP/1.1 101" : "HTTP/1.1 200", 12)) {
        if (refused++ < 3) fprintf(stderr, "refused: %.60s\n", r->reply);
        leave(r);
        return;
    }
    size_t used = (size_t)(end + 4 - r->reply) - before;
    free(r->reply);
    r->reply = NULL;
    r->state = READING;
    r->answered_at = clock_ns(CLOCK_MONOTONIC);
    answered++;
    if (*greeting) greet(r);
    if (used < size) take(r, data + used, size - used);
}

static void watch(struct reader *r, uint32_t events, int operation) {
    struct epoll_event event = {.events = events, .data.u32 = (uint32_t)(r - readers)};
    epoll_ctl(poller, operation, r->fd, &event);
}

static void open_reader(struct reader *r) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1, small = 4096;
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    r->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (r->fd < 0) { perror("socket"); exit(2); }
    setsockopt(r->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (r->stalled) setsockopt(r->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    r->asked_at = clock_ns(CLOCK_MONOTONIC);
    if (connect(r->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS) { broken++; r->state = GONE; return; }
    r->state = CONNECTING;
    watch(r, EPOLLOUT, EPOLL_CTL_ADD);
}

static void ask(struct reader *r) {
    char request[4096];
    int size = is_ws
        ? snprintf(request, sizeof request,
              "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Key: bGl2ZWZlZWQtcmVhZGVycw==\r\nSec-WebSocket-Version: 13\r\n%s\r\n", path, port, headers)
        : snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: text/event-stream\r\n%s\r\n", path, port, headers);
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error || send(r->fd, request, (size_t)size, MSG_NOSIGNAL) != size) { broken++; leave(r); return; }
    r->state = ASKED;
    watch(r, EPOLLIN, EPOLL_CTL_MOD);
}

static void readable(struct reader *r) {
    static char buffer[256 * 1024];
    for (int turn = 0; turn < 4 && r->state != GONE; turn++) {
        ssize_t size = read(r->fd, buffer, sizeof buffer);
        reads++;
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (size <= 0) { broken++; leave(r); return; }
        bytes += (uint64_t)size;
        if (r->state == ASKED) take_head(r, buffer, (size_t)size);
        else take(r, buffer, (size_t)size);
        /* A reader that stalls has its answer, and takes nothing after it for a while. */
        if (r->stalled == 1 && r->state == READING) { watch(r, 0, EPOLL_CTL_MOD); r->stalled = 2; return; }
        if ((size_t)size < sizeof buffer) return;
    }
}

static double server_cpu(long *resident_kib) {
    char name[64], text[4096];
    unsigned long user = 0, kernel = 0;
    long pages = 0;
    *resident_kib = 0;
    if (!server) return 0;
    snprintf(name, sizeof name, "/proc/%ld/stat", server);
    FILE *file = fopen(name, "r");
    if (file) {
        size_t size = fread(text, 1, sizeof text - 1, file);
        text[size] = 0;
        char *after = strrchr(text, ')');
        if (after) sscanf(after + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel);
        fclose(file);
    }
    snprintf(name, sizeof name, "/proc/%ld/statm", server);
    if ((file = fopen(name, "r"))) {
        if (fscanf(file, "%*d %ld", &pages) == 1) *resident_kib = pages * (sysconf(_SC_PAGESIZE) / 1024);
        fclose(file);
    }
    /* The scheduler counts in nanoseconds, the clock ticks above in hundredths of a second. */
    snprintf(name, sizeof name, "/proc/%ld/schedstat", server);
    if ((file = fopen(name, "r"))) {
        unsigned long long ns;
        int got = fscanf(file, "%llu", &ns);
        fclose(file);
        if (got == 1) return (double)ns / 1e9;
    }
    return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

static double own_cpu(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)used.ru_utime.tv_sec + (double)used.ru_utime.tv_usec / 1e6 + (double)used.ru_stime.tv_sec + (double)used.ru_stime.tv_usec / 1e6;
}

static int ascending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static double quantile(double share) {
    if (!latency_count) return 0;
    size_t index = (size_t)(share * (double)latency_count);
    return latencies[index < latency_count ? index : latency_count - 1] / 1000.0;
}

static pid_t run(const char *command) {
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        for (int fd = 3; fd < 65536; fd++) close(fd);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    return child;
}

static void options(int argc, char **argv) {
    static const struct option known[] = {
        {"port", 1, 0, 'p'}, {"sse", 1, 0, 's'}, {"ws", 1, 0, 'w'}, {"readers", 1, 0, 'n'}, {"expect", 1, 0, 'e'}, {"marker", 1, 0, 'm'},
        {"publish", 1, 0, 'x'}, {"rate", 1, 0, 'r'}, {"settle", 1, 0, 'S'}, {"idle", 1, 0, 'i'}, {"timeout", 1, 0, 't'}, {"hold", 1, 0, 'H'},
        {"server", 1, 0, 'P'}, {"stalled", 1, 0, 'k'}, {"stall-for", 1, 0, 'f'}, {"headers", 1, 0, 'h'}, {"greet", 1, 0, 'g'}, {"verbose", 0, 0, 'v'}, {0}};
    for (int o; (o = getopt_long(argc, argv, "", known, NULL)) != -1;) switch (o) {
        case 'p': port = atoi(optarg); break;
        case 's': path = optarg; is_ws = 0; break;
        case 'w': path = optarg; is_ws = 1; break;
        case 'n': count = atoi(optarg); break;
        case 'e': expect = strtoull(optarg, NULL, 10); break;
        case 'm': marker = optarg; break;
        case 'x': publish = optarg; break;
        case 'r': rate = atof(optarg); break;
        case 'S': settle = atof(optarg); break;
        case 'i': idle = atof(optarg); break;
        case 't': timeout = atof(optarg); break;
        case 'H': hold = atof(optarg); break;
        case 'P': server = atol(optarg); break;
        case 'k': stalled = atoi(optarg); break;
        case 'f': stall_for = atof(optarg); break;
        case 'h': headers = optarg; break;
        case 'g':
            greeting = optarg;
            if (strlen(greeting) > 125) { fputs("a greeting has at most 125 bytes\n", stderr); exit(2); }
            break;
        case 'v': verbose = 1; break;
        default: exit(2);
    }
    marker_size = strlen(marker);
}

static void wake_stalled(void) {
    for (int i = 0; i < count; i++)
        if (readers[i].stalled == 2 && readers[i].state == READING) { readers[i].stalled = 3; watch(&readers[i], EPOLLIN, EPOLL_CTL_MOD); }
}

int main(int argc, char **argv) {
    options(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    readers = calloc((size_t)count, sizeof *readers);
    poller = epoll_create1(0);
    for (int i = 0; i < stalled; i++) readers[i].stalled = 1;

    long memory_before, memory_ready = 0, memory_end = 0, memory_peak = 0;
    double cpu_before = server_cpu(&memory_before), cpu_go = 0, own_go = 0;
    uint64_t begin = clock_ns(CLOCK_MONOTONIC), ready_at = 0, end_at = 0;
    const char *end = NULL;
    pid_t child = 0;
    int opened = 0, woken = 0;
    struct epoll_event events[4096];
    while (!end) {
        uint64_t now = clock_ns(CLOCK_MONOTONIC);
        double since_begin = (double)(now - begin) / 1e9;
        int allowed = rate > 0 ? (int)(since_begin * rate) + 1 : count;
        for (int burst = 0; opened < count && opened < allowed && burst < 256; burst++) open_reader(&readers[opened++]);
        if (!ready_at && opened == count && answered + refused + broken >= (uint64_t)count) ready_at = now;
        if (ready_at && !go_at && (double)(now - ready_at) / 1e9 >= settle) {
            cpu_go = server_cpu(&memory_ready);
            own_go = own_cpu();
            go_at = now;
            if (publish) child = run(publish);
        }
        double since_go = go_at ? (double)(now - go_at) / 1e9 : 0;
        if (stalled && go_at && !woken && since_go >= stall_for) {
            server_cpu(&memory_peak);
            wake_stalled();
            woken = 1;
        }
        if (go_at && hold > 0 && since_go >= hold) end = "held";
        else if (go_at && expect && complete + refused + broken >= (uint64_t)count) end = "complete";
        else if (go_at && expect && last_at && since_go > idle && (double)(now - last_at) / 1e9 > idle && (!stalled || woken)) end = "idle";
        else if (since_begin > timeout) end = "timeout";
        if (end) break;
        int ready = epoll_wait(poller, events, 4096, opened < count ? 1 : 10);
        for (int i = 0; i < ready; i++) {
            struct reader *r = &readers[events[i].data.u32];
            if (r->state == CONNECTING) ask(r);
            else if (r->state != GONE) readable(r);
        }
    }
    end_at = clock_ns(CLOCK_MONOTONIC);
    double cpu_end = server_cpu(&memory_end), own_end = own_cpu();
    if (child) { kill(child, SIGTERM); waitpid(child, NULL, 0); }

    uint32_t fewest = UINT32_MAX, most = 0;
    uint64_t last_done = 0, slowest_answer = 0;
    for (int i = 0; i < count; i++) {
        if (readers[i].events < fewest) fewest = readers[i].events;
        if (readers[i].events > most) most = readers[i].events;
        if (readers[i].done_at > last_done) last_done = readers[i].done_at;
        if (readers[i].answered_at && readers[i].answered_at - begin > slowest_answer) slowest_answer = readers[i].answered_at - begin;
    }
    qsort(latencies, latency_count, sizeof *latencies, ascending);
    double window = last_at > first_at ? (double)(last_at - first_at) / 1e9 : 0, span = go_at ? (double)(end_at - go_at) / 1e9 : 0;
    printf("{\"end\":\"%s\",\"readers\":%d,\"answered\":%lu,\"refused\":%lu,\"broken\":%lu,\"complete\":%lu,\"deliveries\":%lu,\"fewest\":%u,\"most\":%u,"
           "\"early\":%lu,\"bytes\":%lu,\"reads\":%lu,\"window_s\":%.4f,\"go_to_last_s\":%.4f,\"begin_to_done_s\":%.4f,\"begin_to_answered_s\":%.4f,"
           "\"latency_ms\":{\"p10\":%.3f,\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"max\":%.3f},"
           "\"server_cpu_s\":%.4f,\"server_cpu_all_s\":%.4f,\"own_cpu_share\":%.3f,\"memory_before_kib\":%ld,\"memory_ready_kib\":%ld,\"memory_peak_kib\":%ld,\"memory_end_kib\":%ld}\n",
           end, count, answered, refused, broken, complete, deliveries, fewest, most, early, bytes, reads, window,
           last_at > go_at && go_at ? (double)(last_at - go_at) / 1e9 : 0, last_done ? (double)(last_done - begin) / 1e9 : 0, (double)slowest_answer / 1e9,
           quantile(.1), quantile(.5), quantile(.9), quantile(.99), quantile(.999), quantile(1), cpu_end - cpu_go, cpu_end - cpu_before,
           span > 0 ? (own_end - own_go) / span : 0, memory_before, memory_ready, memory_peak, memory_end);
    return expect && complete < (uint64_t)count ? 3 : 0;
}
