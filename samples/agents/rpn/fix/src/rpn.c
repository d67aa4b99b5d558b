#include "rpn.h"

#include <ctype.h>
#include <stdlib.h>

#define DEPTH 64

static int apply(char operation, double *stack, int *height)
{
    double top, below;

    if (*height < 2)
        return 1;
    top = stack[--*height];
    below = stack[--*height];
    switch (operation) {
    case '+': stack[(*height)++] = below + top; return 0;
    case '-': stack[(*height)++] = below - top; return 0;
    case '*': stack[(*height)++] = below * top; return 0;
    case '/': stack[(*height)++] = below / top; return 0;
    default: return 1;
    }
}

int rpn(const char *expression, double *value)
{
    double stack[DEPTH];
    int height = 0;

    while (*expression) {
        if (isspace((unsigned char)*expression)) {
            expression++;
        } else if (isdigit((unsigned char)*expression)) {
            char *end;
            if (height == DEPTH)
                return 1;
            stack[height++] = strtod(expression, &end);
            expression = end;
        } else if (apply(*expression++, stack, &height)) {
            return 1;
        }
    }
    if (height != 1)
        return 1;
    *value = stack[0];
    return 0;
}
