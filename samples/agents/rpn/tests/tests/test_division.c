#include "tap.h"

int main(void)
{
    gives("8 8 /", 1);
    gives("6 3 /", 2);
    gives("12 3 / 2 /", 2);
    return failures != 0;
}
