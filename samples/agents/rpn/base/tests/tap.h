#include "rpn.h"

#include <stdio.h>

static int failures;

static void gives(const char *expression, double wanted)
{
    double value;
    int good = rpn(expression, &value) == 0 && value == wanted;

    failures += !good;
    printf("%s - %s gives %g\n", good ? "ok" : "not ok", expression, wanted);
}
