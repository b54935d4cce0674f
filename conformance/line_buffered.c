/* Linked to libzmq's test programs: what a case printed is seen even if the program crashes in the next one. */
#include <stdio.h>

__attribute__((constructor)) static void line_buffered (void)
{
    setvbuf (stdout, NULL, _IOLBF, BUFSIZ);
}
