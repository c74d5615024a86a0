/* go-zookeeper reads srvr's answer only with the build date that servers before 3.7 gave (02/11/2026), and its tests start with
 * that. Preloaded into a server of either kind, this turns "built on 2026-02-11" into "built on 02/11/2026": it is as long. */
#define _GNU_SOURCE
#include <ctype.h>
#include <dlfcn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

enum { LONGEST = 4096, MOST_PIECES = 64 };

static const char START[] = "Zookeeper version: ";
static const char MARK[] = "built on ";

/* Turns the date of an answer of srvr round in `copy`, which it fills. 0: the bytes are no such answer. */
static int turned_round(char *copy, const void *bytes, size_t length)
{
    if (length < sizeof START || length > LONGEST || memcmp(bytes, START, sizeof START - 1) != 0)
        return 0;
    memcpy(copy, bytes, length);
    char *date = memmem(copy, length, MARK, sizeof MARK - 1);
    if (!date || (size_t)(date - copy) + sizeof MARK - 1 + 10 > length)
        return 0;
    date += sizeof MARK - 1;
    if (!isdigit((unsigned char)date[0]) || date[4] != '-' || date[7] != '-')
        return 0;
    char year[4];
    memcpy(year, date, 4);
    memmove(date, date + 5, 5);
    date[2] = date[5] = '/';
    memcpy(date + 6, year, 4);
    return 1;
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    char copy[LONGEST];
    ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    return real(fd, turned_round(copy, bytes, length) ? copy : bytes, length);
}

ssize_t send(int fd, const void *bytes, size_t length, int flags)
{
    char copy[LONGEST];
    ssize_t (*real)(int, const void *, size_t, int) = dlsym(RTLD_NEXT, "send");
    return real(fd, turned_round(copy, bytes, length) ? copy : bytes, length, flags);
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    char copy[LONGEST];
    struct iovec with_copy[MOST_PIECES];
    ssize_t (*real)(int, const struct iovec *, int) = dlsym(RTLD_NEXT, "writev");
    if (count < 1 || count > MOST_PIECES || !turned_round(copy, pieces[0].iov_base, pieces[0].iov_len))
        return real(fd, pieces, count);
    memcpy(with_copy, pieces, sizeof *pieces * (size_t)count);
    with_copy[0].iov_base = copy;
    return real(fd, with_copy, count);
}
