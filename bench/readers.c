/* readers: thousands of live readers on one core, to measure a server that fans out.
 *
 *   cc -O2 -o readers readers.c
 *   readers --port P (--sse PATH | --ws PATH) --readers N --expect M [options]
 *
 * An event is counted where its publish time stands: --marker, then nanoseconds since the epoch. Latency is that time to the read()
 * which brought it, of what was published after the reader was answered. One line of JSON comes out at the end.
 *
 * The sockets are opened at --rate a second (0: at once). When all are answered, and --settle seconds later, --publish is run by the
 * shell ("go"). The run ends when every reader has M events, or --idle seconds after the last one, or --hold seconds after go, or
 * --linger seconds after the publisher has ended, or after --timeout. `{}` in a path is the reader's number, modulo --ways. --greet TEXT
 * is sent as a WebSocket text frame at first. --server PID adds CPU time, memory and files of that process, and may be repeated.
 *
 * --others K more readers are counted apart: with --others-path and --others-expect of their own; opened only --others-after seconds after
 * go, and all at once; or taking nothing before --stall-for seconds after go.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process.h"
#include "stream.h"

enum { MOST_SERVERS = 16 };

static struct reader *readers;
static int port;
static const char *publish, *headers = "";
static double rate = 2000, settle = 0.5, idle = 5, timeout = 60, stall_for = -1, hold = 0, linger = 0, others_after = -1;
static long servers[MOST_SERVERS];
static int server_count;
static int poller;
static uint64_t begin, bytes, reads;

static void watch(struct reader *r, uint32_t events, int operation) {
    struct epoll_event event = {.events = events, .data.u32 = (uint32_t)(r - readers)};
    epoll_ctl(poller, operation, r->fd, &event);
}

/* Only the first few errors are printed. */
static void cut_off(struct reader *r, const char *reason) {
    if (broken++ < 3) fprintf(stderr, "cut off %s: %s\n", r->state == READING ? "while reading" : "before the answer", reason);
    leave(r);
}

static void open_reader(struct reader *r) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1, small = 4096;
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    r->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (r->fd < 0) { perror("socket"); exit(2); }
    setsockopt(r->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (r->stalled) setsockopt(r->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    if (connect(r->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS) { broken++; r->state = GONE; return; }
    r->state = CONNECTING;
    watch(r, EPOLLOUT, EPOLL_CTL_ADD);
}

/* The path of a reader, its number in place of `{}`. */
static const char *path_of(const struct reader *r) {
    static char path[2048];
    const struct group *g = &groups[r->others];
    const char *hole = strstr(g->path, "{}");
    if (!hole) return g->path;
    int number = (int)(r - readers) - (r->others ? groups[MAIN].count : 0);
    snprintf(path, sizeof path, "%.*s%d%s", (int)(hole - g->path), g->path, number % g->ways, hole + 2);
    return path;
}

static void ask(struct reader *r) {
    char request[4096];
    const char *path = path_of(r);
    int size = is_ws
        ? snprintf(request, sizeof request,
              "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Key: bGl2ZWZlZWQtcmVhZGVycw==\r\nSec-WebSocket-Version: 13\r\n%s\r\n", path, port, headers)
        : snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: text/event-stream\r\n%s\r\n", path, port, headers);
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (!error && send(r->fd, request, (size_t)size, MSG_NOSIGNAL) != size) error = errno;
    if (error) { cut_off(r, strerror(error)); return; }
    r->state = ASKED;
    watch(r, EPOLLIN, EPOLL_CTL_MOD);
}

static void readable(struct reader *r) {
    static char buffer[256 * 1024];
    for (int turn = 0; turn < 4 && r->state != GONE; turn++) {
        ssize_t size = read(r->fd, buffer, sizeof buffer);
        reads++;
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (size <= 0) { cut_off(r, size ? strerror(errno) : "the stream ended"); return; }
        bytes += (uint64_t)size;
        r->bytes += (uint64_t)size;
        if (r->state == ASKED) take_head(r, buffer, (size_t)size);
        else take(r, buffer, (size_t)size);
        /* A reader that stalls has its answer, and takes nothing after it for a while. */
        if (r->stalled == 1 && r->state == READING) { watch(r, 0, EPOLL_CTL_MOD); r->stalled = 2; return; }
        if ((size_t)size < sizeof buffer) return;
    }
}

static struct usage look(struct usage *each) {
    struct usage all = {0};
    for (int i = 0; i < server_count; i++) {
        each[i] = usage_of(servers[i]);
        all.cpu_s += each[i].cpu_s;
        all.resident_kib += each[i].resident_kib;
        all.files += each[i].files;
    }
    return all;
}

static int ascending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static double quantile(const struct group *g, double share) {
    if (!g->latency_count) return 0;
    size_t index = (size_t)(share * (double)g->latency_count);
    return g->latencies[index < g->latency_count ? index : g->latency_count - 1] / 1000.0;
}

/* The figures of a group of readers, as JSON. */
static void print_group(struct group *g, int from) {
    uint32_t fewest = UINT32_MAX, most = 0;
    uint64_t done = 0, live = 0, least_bytes = UINT64_MAX, most_bytes = 0;
    for (const struct reader *r = readers + from; r < readers + from + g->count; r++) {
        if (r->events < fewest) fewest = r->events;
        if (r->events > most) most = r->events;
        if (r->done_at > done) done = r->done_at;
        if (r->live_at > live) live = r->live_at;
        if (r->bytes < least_bytes) least_bytes = r->bytes;
        if (r->bytes > most_bytes) most_bytes = r->bytes;
    }
    if (g->latency_count) qsort(g->latencies, g->latency_count, sizeof *g->latencies, ascending);
    printf("\"readers\":%d,\"complete\":%lu,\"fewest\":%u,\"most\":%u,\"begin_to_done_s\":%.4f,\"open_to_live_s\":%.4f,"
           "\"least_bytes\":%lu,\"most_bytes\":%lu,"
           "\"latency_ms\":{\"p10\":%.3f,\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"max\":%.3f}",
           g->count, g->complete, g->count ? fewest : 0, most, done ? (double)(done - begin) / 1e9 : 0,
           live ? (double)(live - g->opened_at) / 1e9 : 0, g->count ? least_bytes : 0, most_bytes,
           quantile(g, .1), quantile(g, .5), quantile(g, .9), quantile(g, .99), quantile(g, .999), quantile(g, 1));
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
        {"linger", 1, 0, 'l'},
        {"server", 1, 0, 'P'}, {"stall-for", 1, 0, 'f'}, {"ways", 1, 0, 'y'},
        {"others", 1, 0, 'k'}, {"others-path", 1, 0, 'K'}, {"others-expect", 1, 0, 'E'}, {"others-after", 1, 0, 'A'}, {"headers", 1, 0, 'h'}, {"greet", 1, 0, 'g'}, {"verbose", 0, 0, 'v'}, {0}};
    for (int o; (o = getopt_long(argc, argv, "", known, NULL)) != -1;) switch (o) {
        case 'p': port = atoi(optarg); break;
        case 's': groups[MAIN].path = optarg; is_ws = 0; break;
        case 'w': groups[MAIN].path = optarg; is_ws = 1; break;
        case 'n': groups[MAIN].count = atoi(optarg); break;
        case 'e': groups[MAIN].expect = strtoull(optarg, NULL, 10); break;
        case 'm': marker = optarg; break;
        case 'x': publish = optarg; break;
        case 'r': rate = atof(optarg); break;
        case 'S': settle = atof(optarg); break;
        case 'i': idle = atof(optarg); break;
        case 't': timeout = atof(optarg); break;
        case 'H': hold = atof(optarg); break;
        case 'l': linger = atof(optarg); break;
        case 'P':
            if (server_count == MOST_SERVERS) { fputs("too many servers\n", stderr); exit(2); }
            servers[server_count++] = atol(optarg);
            break;
        case 'y': groups[MAIN].ways = atoi(optarg); break;
        case 'k': groups[OTHERS].count = atoi(optarg); break;
        case 'K': groups[OTHERS].path = optarg; break;
        case 'E': groups[OTHERS].expect = strtoull(optarg, NULL, 10); break;
        case 'A': others_after = atof(optarg); break;
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
    if (!groups[OTHERS].path) groups[OTHERS].path = groups[MAIN].path;
}

static int everybody(void) { return groups[MAIN].count + groups[OTHERS].count; }

static void wake_stalled(void) {
    for (struct reader *r = readers; r < readers + everybody(); r++)
        if (r->stalled == 2 && r->state == READING) { r->stalled = 3; watch(r, EPOLLIN, EPOLL_CTL_MOD); }
}

static void allow_files(void) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

static void make_readers(void) {
    readers = calloc((size_t)everybody(), sizeof *readers);
    if (!readers) abort();
    for (struct reader *r = readers + groups[MAIN].count; r < readers + everybody(); r++) {
        r->others = 1;
        r->stalled = stall_for >= 0;
    }
}

/* Open the readers that are due, in batches, so that connected ones are read in between. Returns how many are due in total. */
static int open_due(int *opened, double since_begin, double since_go) {
    int late = others_after >= 0, due = late ? groups[MAIN].count : everybody();
    int all_at_once = rate <= 0;
    if (late && go_at && since_go >= others_after) {
        due = everybody();
        all_at_once = 1;
    }
    int allowed = all_at_once ? due : (int)(since_begin * rate) + 1;
    for (int piece = 0; *opened < due && *opened < allowed && piece < 256; piece++) {
        struct group *g = &groups[readers[*opened].others];
        if (!g->opened_at) g->opened_at = clock_ns(CLOCK_MONOTONIC);
        open_reader(&readers[(*opened)++]);
    }
    return due;
}

/* Whether no reader waits for anything any more. */
static int is_complete(void) {
    uint64_t wanted = 0, had = refused + broken;
    for (int i = MAIN; i <= OTHERS; i++)
        if (groups[i].expect) { wanted += (uint64_t)groups[i].count; had += groups[i].complete; }
    return wanted && had >= wanted;
}

enum { STEPS = 10 };
static struct { uint64_t readers; long kib; } grown[STEPS];
static int grown_steps;

/* The server's memory after each further tenth of the readers has connected. */
static void note_memory(void) {
    if (grown_steps == STEPS || answered < (uint64_t)groups[MAIN].count * (uint64_t)(grown_steps + 1) / STEPS) return;
    struct usage each[MOST_SERVERS];
    grown[grown_steps].readers = answered;
    grown[grown_steps++].kib = look(each).resident_kib;
}

static void serve(int patience_ms) {
    static struct epoll_event events[4096];
    int ready = epoll_wait(poller, events, 4096, patience_ms);
    for (int i = 0; i < ready; i++) {
        struct reader *r = &readers[events[i].data.u32];
        if (r->state == CONNECTING) ask(r);
        else if (r->state != GONE) readable(r);
    }
}

int main(int argc, char **argv) {
    options(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    allow_files();
    make_readers();
    poller = epoll_create1(0);

    struct usage each_before[MOST_SERVERS], each_go[MOST_SERVERS], each_end[MOST_SERVERS];
    struct usage before = look(each_before), at_go = {0}, peak = {0};
    memset(each_go, 0, sizeof each_go);
    begin = clock_ns(CLOCK_MONOTONIC);
    uint64_t ready_at = 0, published_at = 0, bytes_before = 0;
    double own_go = 0;
    const char *end = NULL;
    pid_t child = 0;
    int opened = 0, woken = stall_for < 0;
    while (!end) {
        uint64_t now = clock_ns(CLOCK_MONOTONIC);
        double since_begin = (double)(now - begin) / 1e9, since_go = go_at ? (double)(now - go_at) / 1e9 : 0;
        if (!go_at) note_memory();
        int due = open_due(&opened, since_begin, since_go);
        if (!ready_at && opened == due && answered + refused + broken >= (uint64_t)due) ready_at = now;
        if (ready_at && !go_at && (double)(now - ready_at) / 1e9 >= settle) {
            at_go = look(each_go);
            own_go = own_cpu();
            bytes_before = bytes;
            go_at = now;
            if (publish) child = run(publish);
        }
        if (go_at && !woken && since_go >= stall_for) {
            peak = look(each_end);
            wake_stalled();
            woken = 1;
        }
        if (child && waitpid(child, NULL, WNOHANG) == child) {
            child = 0;
            published_at = now;
        }
        if (linger > 0 && published_at && (double)(now - published_at) / 1e9 >= linger) end = "published";
        else if (go_at && hold > 0 && since_go >= hold) end = "held";
        else if (go_at && opened == everybody() && is_complete()) end = "complete";
        else if (since_go > idle && woken && last_at && (double)(now - last_at) / 1e9 > idle) end = "idle";
        else if (since_begin > timeout) end = "timeout";
        else serve(opened < due ? 1 : 10);
    }
    uint64_t end_at = clock_ns(CLOCK_MONOTONIC);
    struct usage at_end = look(each_end);
    double own_end = own_cpu(), span = go_at ? (double)(end_at - go_at) / 1e9 : 0;
    if (child) { kill(child, SIGTERM); waitpid(child, NULL, 0); }

    uint64_t slowest_answer = 0;
    for (int i = 0; i < everybody(); i++)
        if (readers[i].answered_at && readers[i].answered_at - begin > slowest_answer) slowest_answer = readers[i].answered_at - begin;
    printf("{\"end\":\"%s\",\"answered\":%lu,\"refused\":%lu,\"broken\":%lu,\"early\":%lu,\"deliveries\":%lu,"
           "\"bytes\":%lu,\"bytes_before\":%lu,\"reads\":%lu,\"window_s\":%.4f,\"begin_to_answered_s\":%.4f,",
           end, answered, refused, broken, early, groups[MAIN].deliveries + groups[OTHERS].deliveries, bytes, bytes_before, reads,
           last_at > first_at ? (double)(last_at - first_at) / 1e9 : 0, (double)slowest_answer / 1e9);
    print_group(&groups[MAIN], 0);
    printf(",\"others\":{");
    print_group(&groups[OTHERS], groups[MAIN].count);
    printf("},\"server_cpu_s\":%.4f,\"server_cpu_all_s\":%.4f,\"own_cpu_share\":%.3f,"
           "\"memory_before_kib\":%ld,\"memory_ready_kib\":%ld,\"memory_peak_kib\":%ld,\"memory_end_kib\":%ld,\"processes\":[",
           at_end.cpu_s - at_go.cpu_s, at_end.cpu_s - before.cpu_s, span > 0 ? (own_end - own_go) / span : 0,
           before.resident_kib, at_go.resident_kib, peak.resident_kib > at_end.resident_kib ? peak.resident_kib : at_end.resident_kib,
           at_end.resident_kib);
    for (int i = 0; i < server_count; i++)
        printf("%s{\"cpu_s\":%.4f,\"connections\":%ld}", i ? "," : "", each_end[i].cpu_s - each_go[i].cpu_s, each_go[i].files - each_before[i].files);
    printf("],\"memory_grown\":[");
    for (int i = 0; i < grown_steps; i++)
        printf("%s{\"readers\":%lu,\"kib\":%ld}", i ? "," : "", grown[i].readers, grown[i].kib - before.resident_kib);
    printf("]}\n");
    return 0;
}
