/* N callers on RTP: each speaks real speech in turns with whoever answers, and times the answers.

   rtp_load CALLS SECONDS BARGE SEED OUT SPEECH...      each SPEECH is FILE:VOICED_END, µ-law at 8 kHz and
                                                        the sample behind its last voiced one

   Binds one UDP socket a call, prints their ports on one line, reads the answerer's ports from one line of
   standard input, talks for SECONDS, and prints one JSON object of counts. A port 0 is a call that is not up
   yet: a later line `NUMBER PORT` brings it up, the first call being number 0. Raw samples go to OUT.turns,
   OUT.barges and OUT.gaps as 32-bit floats, seconds: from the last voiced sample sent to the first voiced
   frame received; from the first sample that interrupts to the last voiced frame; and how far two packets
   of a call arrived from 20 ms apart.

   A caller is quiet, speaks one of the utterances, waits for an answer, hears it out or (with chance BARGE)
   talks into it after a second, and begins again. Between words the line carries noise of about -65 dBFS. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FRAME = 160, HEADER = 12, PACKET = FRAME + HEADER, TICKS_PER_S = 50, MOST_SAMPLES = 1 << 22 };
enum { VOICED_MEAN = 300, BURST = 256, PATIENCE_S = 12, LOOK_NS = 250000 };

typedef enum { QUIET, SPEAKING, WAITING, LISTENING } Mode;
typedef struct { unsigned char *ulaw; long length, voiced_end; } Utterance;
typedef struct {
  int file, utterance, interrupts, is_interrupting, stopped, is_up;
  Mode mode;
  long position, received, lost;
  double until, voiced_end_at, answer_at, last_voiced_at, began_at, stopped_at, last_packet_at;
  unsigned short sequence, their_sequence;
} Call;
typedef struct { float *values; long count; } Samples;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

static double used_s(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static double chance(void) { return rand() / (RAND_MAX + 1.0); }

static void note(Samples *samples, double value) {
  if (samples->count < MOST_SAMPLES) samples->values[samples->count++] = value;
}

static void write_samples(const Samples *samples, const char *out, const char *ending) {
  char name[4096];
  snprintf(name, sizeof name, "%s.%s", out, ending);
  FILE *file = fopen(name, "wb");
  if (file == NULL) { perror(name); exit(1); }
  fwrite(samples->values, sizeof(float), samples->count, file);
  fclose(file);
}

static int magnitude[256];                /* of a µ-law byte, 14-bit scale times 4 (ITU-T G.711) */
static unsigned char noise[8 * 8000];

static void make_tables(void) {
  for (int code = 0; code < 256; code++) {
    int bits = ~code & 255;
    magnitude[code] = ((((bits & 15) << 3) + 132) << ((bits & 0x70) >> 4)) - 132;
  }
  for (unsigned at = 0; at < sizeof noise; at++) noise[at] = 0xFF - (rand() & 3) - (rand() & 1 ? 0x80 : 0);
}

static Utterance load(char *argument) {
  char *colon = strrchr(argument, ':');
  if (colon == NULL) { fprintf(stderr, "%s is not FILE:VOICED_END\n", argument); exit(2); }
  Utterance loaded = {NULL, 0, atol(colon + 1)};
  *colon = 0;
  FILE *file = fopen(argument, "rb");
  if (file == NULL) { perror(argument); exit(1); }
  fseek(file, 0, SEEK_END);
  loaded.length = ftell(file) / FRAME * FRAME;
  rewind(file);
  loaded.ulaw = malloc(loaded.length);
  if (fread(loaded.ulaw, 1, loaded.length, file) != (size_t)loaded.length) exit(1);
  fclose(file);
  return loaded;
}

static int bound_socket(int *port) {
  int file = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int buffer = 1 << 18, yes = 1;
  setsockopt(file, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  setsockopt(file, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes);
  if (file < 0 || bind(file, (void *)&address, sizeof address)) { perror("bind"); exit(1); }
  getsockname(file, (void *)&address, &size);
  *port = ntohs(address.sin_port);
  return file;
}

static void speak(Call *call, int utterances) {
  call->mode = SPEAKING;
  call->position = 0;
  call->utterance = rand() % utterances;
  call->answer_at = call->voiced_end_at = 0;
}

/* The 20 ms this call sends now; moves its script on. */
static const unsigned char *next_frame(Call *call, const Utterance *speech, int utterances, double barge,
                                       double t, Samples *turns, Samples *barges, long *missed, long *talked_over) {
  if (call->mode == QUIET && t >= call->until) speak(call, utterances);
  else if (call->mode == WAITING && call->answer_at > 0) {
    note(turns, call->answer_at - call->voiced_end_at);
    call->mode = LISTENING;
    call->interrupts = chance() < barge;
  } else if (call->mode == WAITING && t - call->voiced_end_at > PATIENCE_S) {
    (*missed)++;
    speak(call, utterances);
  } else if (call->mode == LISTENING && call->interrupts && t - call->answer_at > 1) {
    speak(call, utterances);
    call->is_interrupting = 1;
    call->stopped = 0;
    call->began_at = t;
  } else if (call->mode == LISTENING && t - call->last_voiced_at > 1) speak(call, utterances);
  if (call->mode != SPEAKING) return noise + rand() % (int)(sizeof noise - FRAME);
  const Utterance *said = speech + call->utterance;
  const unsigned char *frame = said->ulaw + call->position;
  if (call->position <= said->voiced_end && said->voiced_end < call->position + FRAME) {
    if (call->is_interrupting) {
      if (call->stopped) note(barges, call->stopped_at - call->began_at);
      else (*talked_over)++;
      call->is_interrupting = 0;
    }
    call->voiced_end_at = t;
    call->answer_at = 0;
  }
  call->position += FRAME;
  if (call->position >= said->length) call->mode = WAITING;
  return frame;
}

static void receive(Call *call, const unsigned char *packet, int length, double t, Samples *gaps) {
  if (length < HEADER + 1 || (packet[0] & 0xC0) != 0x80 || (packet[1] & 0x7F) != 0) return;
  unsigned short sequence = packet[2] << 8 | packet[3];
  if (call->received > 0) {
    call->lost += (unsigned short)(sequence - call->their_sequence - 1);
    if (call->received > TICKS_PER_S) note(gaps, t - call->last_packet_at - 1.0 / TICKS_PER_S);
  }
  call->their_sequence = sequence;
  call->last_packet_at = t;
  call->received++;
  long sum = 0;
  for (int at = HEADER; at < length; at++) sum += magnitude[packet[at]];
  if (sum > (long)VOICED_MEAN * (length - HEADER)) {
    call->last_voiced_at = t;
    int has_finished = call->mode == WAITING || (call->mode == SPEAKING && call->voiced_end_at > 0 && !call->is_interrupting);
    if (has_finished && call->answer_at == 0 && t > call->voiced_end_at) call->answer_at = t;
  } else if (call->is_interrupting && !call->stopped && t - call->last_voiced_at > 0.1 && call->last_voiced_at > call->began_at) {
    call->stopped = 1;
    call->stopped_at = call->last_voiced_at;
  }
}

/* Everything that has come in for a call, each packet with the moment the kernel got it. A call is looked at
   when its own packet is due: nobody has to be woken, which would cost whoever sends, and across a network that
   is not the answerer's to pay. */
static void receive_all(Call *call, double to_monotonic, Samples *gaps) {
  unsigned char packet[2048], extras[128];
  struct iovec place = {packet, sizeof packet};
  struct msghdr message = {.msg_iov = &place, .msg_iovlen = 1};
  for (;;) {
    message.msg_control = extras;
    message.msg_controllen = sizeof extras;
    int length = recvmsg(call->file, &message, 0);
    if (length <= 0) return;
    struct cmsghdr *extra = CMSG_FIRSTHDR(&message);
    if (extra == NULL || extra->cmsg_type != SCM_TIMESTAMPNS) { fprintf(stderr, "no time of arrival\n"); exit(1); }
    struct timespec at;
    memcpy(&at, CMSG_DATA(extra), sizeof at);
    receive(call, packet, length, at.tv_sec + at.tv_nsec * 1e-9 + to_monotonic, gaps);
  }
}

static void bring_up(Call *call, int port, double from) {
  struct sockaddr_in there = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
  call->is_up = connect(call->file, (void *)&there, sizeof there) == 0;
  call->until = from + 1 + 3 * chance();
}

/* Whole lines `NUMBER PORT` that have come since the last look. */
static void look_for_more(Call *all, int calls, double t) {
  static char said[1 << 16];
  static size_t length;
  ssize_t more = read(0, said + length, sizeof said - 1 - length);
  if (more <= 0) return;
  said[length += more] = 0;
  char *line = said, *end;
  for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
    int number, port;
    if (sscanf(line, "%d %d", &number, &port) == 2 && number >= 0 && number < calls) bring_up(all + number, port, t);
  }
  length -= line - said;
  memmove(said, line, length);
}

int main(int count, char **given) {
  if (count < 7) { fprintf(stderr, "rtp_load CALLS SECONDS BARGE SEED OUT SPEECH...\n"); return 2; }
  int calls = atoi(given[1]), utterances = count - 6;
  double seconds = atof(given[2]), barge = atof(given[3]);
  const char *out = given[5];
  srand(atoi(given[4]));
  make_tables();
  Utterance *speech = calloc(utterances, sizeof *speech);
  for (int i = 0; i < utterances; i++) speech[i] = load(given[6 + i]);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);

  Call *all = calloc(calls, sizeof *all);
  int port;
  for (int i = 0; i < calls; i++) {
    all[i].file = bound_socket(&port);
    printf("%d%c", port, i + 1 < calls ? ' ' : '\n');
  }
  fflush(stdout);
  setvbuf(stdin, NULL, _IONBF, 0);
  for (int i = 0; i < calls; i++) {
    if (scanf("%d", &port) != 1) { fprintf(stderr, "a port for every call, please\n"); return 2; }
    if (port > 0) bring_up(all + i, port, now());
  }
  fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);

  Samples turns = {malloc(sizeof(float) * MOST_SAMPLES), 0}, barges = {malloc(sizeof(float) * MOST_SAMPLES), 0};
  Samples gaps = {malloc(sizeof(float) * MOST_SAMPLES), 0};
  struct timespec wall;
  clock_gettime(CLOCK_REALTIME, &wall);
  double start = now(), most_behind = 0, to_monotonic = start - (wall.tv_sec + wall.tv_nsec * 1e-9);
  long missed = 0, talked_over = 0, sent = 0, failed = 0, next = 0;
  unsigned char packet[PACKET];
  for (double t; (t = now()) < start + seconds;) {
    /* Every call has its own moment within the 20 ms. */
    long due = (long)((t - start) * TICKS_PER_S * calls);
    look_for_more(all, calls, t);
    double behind = (double)(due - next) / (TICKS_PER_S * calls);
    if (behind > most_behind) most_behind = behind;
    for (int burst = 0; next < due && burst < BURST; burst++, next++) {
      Call *call = all + next % calls;
      if (!call->is_up) continue;
      receive_all(call, to_monotonic, &gaps);
      unsigned timestamp = htonl(call->sequence * FRAME), source = htonl(0x1000 + next % calls);
      const unsigned char *frame = next_frame(call, speech, utterances, barge, now(), &turns, &barges, &missed, &talked_over);
      packet[0] = 0x80;
      packet[1] = 0;
      packet[2] = call->sequence >> 8;
      packet[3] = call->sequence & 255;
      memcpy(packet + 4, &timestamp, 4);
      memcpy(packet + 8, &source, 4);
      memcpy(packet + HEADER, frame, FRAME);
      call->sequence++;
      if (send(call->file, packet, PACKET, 0) == PACKET) sent++;
      else failed++;
    }
    if (next >= due) nanosleep(&(struct timespec){0, LOOK_NS}, NULL);
  }
  for (int i = 0; i < calls; i++) receive_all(all + i, to_monotonic, &gaps);
  long received = 0, lost = 0;
  for (int i = 0; i < calls; i++) received += all[i].received, lost += all[i].lost;
  write_samples(&turns, out, "turns");
  write_samples(&barges, out, "barges");
  write_samples(&gaps, out, "gaps");
  printf("{\"calls\": %d, \"sent\": %ld, \"send_failed\": %ld, \"received\": %ld, \"missing_in_sequence\": %ld, "
         "\"turns\": %ld, \"unanswered\": %ld, \"interruptions\": %ld, \"talked_over\": %ld, \"most_behind_s\": %.4f, \"cpu_s\": %.3f}\n",
         calls, sent, failed, received, lost, turns.count, missed, barges.count, talked_over, most_behind, used_s());
  return 0;
}
